using System.Collections.Immutable;
using Microsoft.Extensions.AI;

namespace Interventions.Features;

/// <summary>
/// Automated interpretation: a language model explains a neuron from its top examples, and the explanation is scored by what it predicts on
/// others: activations token by token (Bills et al. 2023) and texts on which the neuron fires (Paulo et al. 2024, arXiv:2410.13928).
/// </summary>
public static class AutomatedInterpretation
{
    /// <summary>How many texts are told apart in one answer.</summary>
    private const int Together = 10;

    private const string Ending = ".interpretation.json";

    /// <summary>Explains neurons one after the other, and scores the explanations.</summary>
    /// <param name="examples">What the neurons did on a corpus.</param>
    /// <param name="client">The model that explains.</param>
    /// <param name="options">How many examples, another model that simulates, a folder to go on from.</param>
    /// <param name="cancellationToken">Passed on to the model; neurons that are finished stay in the folder.</param>
    /// <exception cref="InterventionException">A neuron never fired, or a file of the folder was begun with something else.</exception>
    public static async Task<IReadOnlyList<NeuronInterpretation>> Of(
        IEnumerable<NeuronExamples> examples, IChatClient client, InterpretationOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(examples);
        ArgumentNullException.ThrowIfNull(client);
        options ??= new InterpretationOptions();
        NeuronFolder folder = new(options.Folder, Ending);
        NeuronExamples[] all = [.. examples];
        List<NeuronInterpretation> found = [];
        foreach (NeuronExamples one in all)
        {
            ImmutableArray<string> origin =
                options.Folder is null ? [] : [$"options={options.Described}", $"examples={NeuronFolder.HashOf(one)}"];
            NeuronInterpretation? known = folder.Finished(one.Neuron, origin, NeuronInterpretation.Read);
            if (known is null)
            {
                known = await One(one, client, options, cancellationToken).ConfigureAwait(false);
                folder.Keep(one.Neuron, origin, fields => NeuronInterpretation.Fields(fields, known));
            }
            found.Add(known);
            options.Progress?.Report(new RunProgress(found.Count, all.Length));
        }
        return found;
    }

    /// <summary>Explains a neuron, and scores the explanation.</summary>
    /// <param name="examples">What the neuron did on a corpus.</param>
    /// <param name="client">The model that explains.</param>
    /// <param name="options">How many examples, another model that simulates, a folder.</param>
    /// <param name="cancellationToken">Passed on to the model.</param>
    /// <exception cref="InterventionException">
    /// The neuron never fired, the model explains nothing, or a file of the folder was begun with something else.
    /// </exception>
    public static async Task<NeuronInterpretation> Of(
        NeuronExamples examples, IChatClient client, InterpretationOptions? options = null,
        CancellationToken cancellationToken = default) =>
        (await Of([examples], client, options, cancellationToken).ConfigureAwait(false))[0];

    private static async Task<NeuronInterpretation> One(
        NeuronExamples examples, IChatClient client, InterpretationOptions options, CancellationToken cancellationToken)
    {
        IChatClient simulator = options.Simulator ?? client;
        string explanation = await Explain(examples, client, options, cancellationToken).ConfigureAwait(false);
        return new NeuronInterpretation(
            examples.Neuron, explanation,
            await Simulate(examples, explanation, simulator, options, cancellationToken).ConfigureAwait(false),
            await Detect(examples, explanation, simulator, options, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>Explains a neuron from every second of its top examples.</summary>
    /// <param name="examples">What the neuron did on a corpus.</param>
    /// <param name="client">The model.</param>
    /// <param name="options">How many examples are shown.</param>
    /// <param name="cancellationToken">Passed on to the model.</param>
    /// <exception cref="InterventionException">The neuron never fired, or the model explains nothing.</exception>
    public static async Task<string> Explain(
        NeuronExamples examples, IChatClient client, InterpretationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(examples);
        ArgumentNullException.ThrowIfNull(client);
        options ??= new InterpretationOptions();
        if (examples.Top.IsEmpty)
            throw new InterventionException($"{examples.Neuron} never fired, so there is nothing to explain.");
        IEnumerable<NeuronExample> shown = Shown(examples, options).Select(example => example.Excerpt(options.ExcerptLength));
        string answer = await Ask(client, InterpretationText.Explain(shown, examples.Maximum), options, cancellationToken)
            .ConfigureAwait(false);
        return answer.Length > 0 ? answer : throw new InterventionException($"The model's explanation of {examples.Neuron} is empty.");
    }

    /// <summary>Scores an explanation by the activations that a model predicts from it, on examples that were not shown.</summary>
    /// <param name="examples">What the neuron did on a corpus.</param>
    /// <param name="explanation">The explanation.</param>
    /// <param name="client">The model.</param>
    /// <param name="options">How many examples.</param>
    /// <param name="cancellationToken">Passed on to the model.</param>
    public static async Task<SimulationScore> Simulate(
        NeuronExamples examples, string explanation, IChatClient client, InterpretationOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(examples);
        ArgumentException.ThrowIfNullOrEmpty(explanation);
        ArgumentNullException.ThrowIfNull(client);
        options ??= new InterpretationOptions();
        List<(bool IsRandom, double True, double Simulated)> tokens = [];
        int texts = 0, unread = 0;
        foreach ((NeuronExample example, bool isRandom, _) in Scored(examples, options))
        {
            string answer = await Ask(client, InterpretationText.Simulate(explanation, example), options, cancellationToken)
                .ConfigureAwait(false);
            if (InterpretationText.ReadSimulation(answer, example.Tokens.Length) is not { } simulated)
            {
                unread++;
                continue;
            }
            texts++;
            tokens.AddRange(example.Activations.Zip(simulated, (activation, number) => (isRandom, activation, number)));
        }
        return new SimulationScore(Correlation(tokens), Correlation(tokens.Where(token => token.IsRandom)), texts, unread);
    }

    /// <summary>Scores an explanation by whether a model tells from it on which texts the neuron fires, none of which was shown.</summary>
    /// <param name="examples">What the neuron did on a corpus.</param>
    /// <param name="explanation">The explanation.</param>
    /// <param name="client">The model.</param>
    /// <param name="options">How many examples.</param>
    /// <param name="cancellationToken">Passed on to the model.</param>
    public static async Task<DetectionScore> Detect(
        NeuronExamples examples, string explanation, IChatClient client, InterpretationOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(examples);
        ArgumentException.ThrowIfNullOrEmpty(explanation);
        ArgumentNullException.ThrowIfNull(client);
        options ??= new InterpretationOptions();
        (NeuronExample Example, bool IsRandom, bool IsFiring)[] scored = [.. Scored(examples, options)];
        // Mixed, so that their order tells nothing; always alike.
        new Random(1).Shuffle(scored);
        List<(bool Is, bool Said)> told = [];
        int unread = 0;
        foreach ((NeuronExample Example, bool IsRandom, bool IsFiring)[] part in scored.Chunk(Together))
        {
            IEnumerable<NeuronExample> texts = part.Select(one => one.Example);
            string answer = await Ask(client, InterpretationText.Detect(explanation, texts), options, cancellationToken)
                .ConfigureAwait(false);
            if (InterpretationText.ReadDetection(answer, part.Length) is { } decisions)
                told.AddRange(part.Zip(decisions, (one, said) => (one.IsFiring, said)));
            else
                unread += part.Length;
        }
        long both = told.Count(text => text is (true, true)), neither = told.Count(text => text is (false, false));
        long firing = told.Count(text => text.Is), said = told.Count(text => text.Said);
        // Where only one kind of texts is there, the share of that kind.
        double[] shares = [.. (((long Right, long All)[])[(both, firing), (neither, told.Count - firing)])
            .Where(kind => kind.All > 0).Select(kind => (double)kind.Right / kind.All)];
        return new DetectionScore(
            ClassScores.Of(both, said, firing), shares.DefaultIfEmpty(double.NaN).Average(), told.Count, unread);
    }

    private static async Task<string> Ask(
        IChatClient client, IEnumerable<ChatMessage> messages, InterpretationOptions options, CancellationToken cancellationToken)
    {
        ChatResponse answer = await client.GetResponseAsync(messages, options.Chat, cancellationToken).ConfigureAwait(false);
        return answer.Text.Trim();
    }

    private static IEnumerable<NeuronExample> Shown(NeuronExamples examples, InterpretationOptions options) =>
        examples.Top.Where((_, rank) => rank % 2 == 0).Take(options.Shown);

    /// <summary>Excerpts of examples that are not shown: top ones, and random ones on which the neuron fires or does not.</summary>
    private static IEnumerable<(NeuronExample Example, bool IsRandom, bool IsFiring)> Scored(
        NeuronExamples examples, InterpretationOptions options)
    {
        HashSet<int> seen = [.. Shown(examples, options).Select(example => example.Context)];
        (IEnumerable<NeuronExample> Examples, bool IsRandom, bool IsFiring)[] kinds =
        [
            (examples.Top, false, true), (examples.Sampled.OrderBy(example => example.Context), true, true), (examples.Silent, true, false),
        ];
        foreach ((IEnumerable<NeuronExample> some, bool isRandom, bool isFiring) in kinds)
            foreach (NeuronExample example in some.Where(example => seen.Add(example.Context)).Take(options.Scored))
                yield return (example.Excerpt(options.ExcerptLength), isRandom, isFiring);
    }

    private static double Correlation(IEnumerable<(bool IsRandom, double True, double Simulated)> tokens)
    {
        (bool, double True, double Simulated)[] all = [.. tokens];
        if (all.Length == 0)
            return double.NaN;
        double x = all.Average(token => token.True), y = all.Average(token => token.Simulated);
        double both = all.Sum(token => (token.True - x) * (token.Simulated - y));
        double xx = all.Sum(token => (token.True - x) * (token.True - x));
        double yy = all.Sum(token => (token.Simulated - y) * (token.Simulated - y));
        return xx == 0 || yy == 0 ? double.NaN : both / Math.Sqrt(xx * yy);
    }
}
