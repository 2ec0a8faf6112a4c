using System.Globalization;
using Interventions.ModelGraphs;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits;

/// <summary>
/// What single neurons do: the activation of one at a time is replaced at one position, by its mean over prompts, or by that of other
/// prompts (Nanda et al. 2023, fact finding).
/// </summary>
public static class NeuronAblation
{
    private const string Neuron = "neuron", Draw = "draw";

    /// <summary>Replaces neurons by their means over prompts.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">The prompts; the first run is measured.</param>
    /// <param name="metric">A declaration with metrics and nothing else.</param>
    /// <param name="layer">The layer of the neurons.</param>
    /// <param name="neurons">Their numbers; all of the layer unless they are given.</param>
    /// <param name="at">The position: a name, or an index.</param>
    /// <param name="over">The prompts of whose first run the means are; the measured ones unless they are given.</param>
    /// <param name="options">How to run.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <returns>The changes, by layers and neurons such as <c>5.6045</c>.</returns>
    /// <exception cref="InterventionException">
    /// The model has no such neurons, the declaration is not one of metrics alone, or a name is not in the prompts.
    /// </exception>
    public static AblationEffects Mean(
        HookedModel model, IPromptSet prompts, InterventionGraph metric, int layer, IReadOnlyList<int>? neurons = null, string at = "end",
        IPromptSet? over = null, RunOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(prompts);
        InterventionGraph measured = MetricsAlone.Of(metric);
        neurons ??= All(model);
        using DisposeScope scope = NewDisposeScope();
        Tensor means = Activations(model, over ?? prompts, layer, at, options, cancellationToken).mean([0L]);
        InterventionGraph graph = measured with
        {
            Name = nameof(NeuronAblation),
            Sweeps = [Numbers(Neuron, neurons)],
            Writes = [Write(layer, at, [], x => means[(long)x[1].item<double>()].expand_as(x[0]))],
        };
        using RunResult run = graph.Run(model, prompts, options, cancellationToken);
        return AblationEffects.Of("neuron", Names(layer, neurons), measured, prompts, run);
    }

    /// <summary>
    /// Replaces neurons by what they are in other prompts, drawn at random, and takes the mean over draws. Other prompts are those with
    /// another first answer, such as athletes of other sports; all others where prompts have no answers.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">The prompts; the first run is measured, and donates.</param>
    /// <param name="metric">A declaration with metrics and nothing else.</param>
    /// <param name="layer">The layer of the neurons.</param>
    /// <param name="neurons">Their numbers; all of the layer unless they are given.</param>
    /// <param name="at">The position: a name, or an index.</param>
    /// <param name="draws">How many other prompts are drawn for each, at least one; where there are fewer, some come again.</param>
    /// <param name="seed">The same seed draws the same prompts.</param>
    /// <param name="options">How to run; batches are of <see cref="RunOptions.BatchSize"/> prompts.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <returns>The changes, by layers and neurons such as <c>5.6045</c>.</returns>
    /// <exception cref="InterventionException">
    /// What <see cref="Mean"/> refuses; a prompt has no other; or the memory budget is too small for a batch.
    /// </exception>
    public static AblationEffects Resample(
        HookedModel model, IPromptSet prompts, InterventionGraph metric, int layer, IReadOnlyList<int>? neurons = null, string at = "end",
        int draws = 64, int seed = 1, RunOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(prompts);
        ArgumentOutOfRangeException.ThrowIfLessThan(draws, 1);
        InterventionGraph measured = MetricsAlone.Of(metric);
        neurons ??= All(model);
        options ??= new RunOptions();
        long[][] others = Others(prompts, draws, new Random(seed));
        using DisposeScope scope = NewDisposeScope();
        Tensor activations = Activations(model, prompts, layer, at, options, cancellationToken);
        List<AblationEffects> parts = [];
        foreach (PromptPart part in PromptPart.Of(prompts, options.BatchSize, options))
        {
            using DisposeScope inner = NewDisposeScope();
            Tensor donors = tensor(
                others.AsSpan(part.First, part.Prompts.Count).ToArray().SelectMany(of => of).ToArray(), [part.Prompts.Count, draws],
                device: activations.device);
            InterventionGraph graph = measured with
            {
                Name = nameof(NeuronAblation),
                Sweeps = [Numbers(Neuron, neurons), Numbers(Draw, [.. Enumerable.Range(0, draws)])],
                Writes = [Write(layer, at, [new Read.Swept(Draw)], x => Donated(x, activations, donors)) with { AcrossBatch = true }],
            };
            using RunResult run = graph.Run(model, part, part.Options, cancellationToken);
            parts.Add(AblationEffects.Of(
                "neuron", Names(layer, neurons), measured, part, run, changed => changed.mean([1L]))); // [neuron, draw, prompt]
        }
        return new AblationEffects(
            "neuron", Names(layer, neurons),
            Joined(name => [.. neurons.Select((_, place) => parts.SelectMany(part => part.OfPrompts(name, part.Names[place])).ToArray())]),
            measured.Metrics.ToDictionary(one => one.Name, one => parts.SelectMany(part => part.UnchangedOf(one.Name)).ToArray()));

        Dictionary<string, double[][]> Joined(Func<string, double[][]> of) =>
            measured.Metrics.ToDictionary(one => one.Name, one => of(one.Name));
    }

    /// <summary>What a neuron is in each prompt's drawn other one: <c>[batch, 1, 1]</c>.</summary>
    private static Tensor Donated(ReadOnlySpan<Tensor> x, Tensor activations, Tensor donors)
    {
        if (x[0].shape[0] != donors.shape[0])
            throw new InterventionException(
                $"{nameof(NeuronAblation)}: {donors.shape[0]} prompts do not fit into the memory budget together: take a smaller "
                + $"{nameof(RunOptions.BatchSize)}.");
        Tensor ofNeuron = activations.select(1, (long)x[1].item<double>());
        return ofNeuron.index_select(0, donors.select(1, (long)x[2].item<double>())).view(x[0].shape);
    }

    private static WriteNode Write(int layer, string at, Read[] reads, MethodBody body) => new(
        "Ablated", $"blocks.{Text(layer)}.mlp.post[neuron={{{Neuron}}}; pos={at}]", [new Read.Value(), new Read.Swept(Neuron), .. reads],
        body);

    /// <summary>The neurons of all prompts at the position: <c>[prompt, neuron]</c>.</summary>
    private static Tensor Activations(
        HookedModel model, IPromptSet prompts, int layer, string at, RunOptions? options, CancellationToken cancellationToken) =>
        SiteValues.Of(model, prompts, $"blocks.{Text(layer)}.mlp.post[pos={at}]", options, cancellationToken);

    /// <summary>Of each prompt the numbers of drawn other ones: different ones, as far as there are.</summary>
    private static long[][] Others(IPromptSet prompts, int draws, Random random)
    {
        long?[] answers = [.. prompts.Prompts.Select(prompt => prompt.Answers.Count > 0 ? prompt.Answers[0] : (long?)null)];
        return [.. answers.Select((answer, own) =>
        {
            long[] others =
            [
                .. answers.Index().Where(other => other.Index != own && (answer is null || other.Item != answer))
                    .Select(other => (long)other.Index),
            ];
            if (others.Length == 0)
                throw new InterventionException(
                    $"{nameof(NeuronAblation)}: prompt {own} has no other prompt{(answer is null ? "" : " with another first answer")}.");
            List<long> drawn = [];
            while (drawn.Count < draws)
            {
                random.Shuffle(others);
                drawn.AddRange(others.Take(draws - drawn.Count));
            }
            return drawn.ToArray();
        })];
    }

    private static int[] All(HookedModel model) => model.Schema.SizeOf("neuron") is int count
        ? [.. Enumerable.Range(0, count)]
        : throw new InterventionException($"{model.Schema.Model} has no neurons.");

    private static SweepAxis Numbers(string name, IReadOnlyList<int> numbers) =>
        SweepAxis.OfNumbers(name, [.. numbers.Select(number => (double)number)]);

    private static string[] Names(int layer, IReadOnlyList<int> neurons) => [.. neurons.Select(neuron => $"{Text(layer)}.{Text(neuron)}")];

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
