using System.Collections.Immutable;
using System.Globalization;
using Interventions.ModelGraphs;
using Interventions.Results;
using Interventions.Runtime;
using Interventions.Tables;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>How well a model predicts text in some run.</summary>
/// <param name="Losses">Of each prompt the loss of each target in nats: of the token at 1, 2 and so on.</param>
/// <param name="Divergences">Of each prompt and position KL(model ‖ this run) of the next token in nats.</param>
public sealed record RunLosses(ImmutableArray<double[]> Losses, ImmutableArray<double[]> Divergences);

/// <summary>
/// What a dictionary in the place of a site's value costs in next-token loss, against the site's value being 0 or its mean.
/// </summary>
public sealed class SpliceLosses
{
    private readonly int _first;

    private SpliceLosses(RunLosses[] runs, int first) =>
        (Model, Spliced, ZeroAblated, MeanAblated, _first) = (runs[0], runs[1], runs[2], runs[3], first);

    /// <summary>The model as it is.</summary>
    public RunLosses Model { get; }

    /// <summary>With the reconstruction in the place of the value, without error term.</summary>
    public RunLosses Spliced { get; }

    /// <summary>With 0 there.</summary>
    public RunLosses ZeroAblated { get; }

    /// <summary>With the mean over all positions of all prompts there.</summary>
    public RunLosses MeanAblated { get; }

    /// <summary>(H_zero − H_spliced) / (H_zero − H_model). It is not comparable between sites.</summary>
    public double Recovered => (Loss(ZeroAblated) - Loss(Spliced)) / (Loss(ZeroAblated) - Loss(Model));

    /// <summary>The same with the mean in the place of 0.</summary>
    public double RecoveredFromMean => (Loss(MeanAblated) - Loss(Spliced)) / (Loss(MeanAblated) - Loss(Model));

    /// <summary>H_spliced − H_model.</summary>
    public double Increase => Loss(Spliced) - Loss(Model);

    /// <summary>Measures a dictionary.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">Text; of each prompt the first run counts.</param>
    /// <param name="at">The dictionary and its site.</param>
    /// <param name="firstTarget">The first token whose loss counts. Default: 1, every token behind another.</param>
    /// <param name="options">How to run.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <exception cref="InterventionException">The dictionary does not fit the site.</exception>
    public static SpliceLosses Of(
        HookedModel model,
        IPromptSet prompts,
        FeatureSite at,
        int firstTarget = 1,
        RunOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(prompts);
        ArgumentNullException.ThrowIfNull(at);
        ArgumentOutOfRangeException.ThrowIfLessThan(firstTarget, 1);
        options ??= new RunOptions();
        if (!prompts.Prompts.Any(prompt => prompt.Runs[0].Ids.Count > firstTarget))
            throw new InterventionException($"{prompts.Vocabulary.PromptSet} has no prompt with a token {firstTarget} to predict.");
        InterventionGraph[] graphs =
        [
            Graph(), (at with { ErrorTerm = false }).In(Graph()), Graph(BuiltInWrites.Zero(at.Site)),
            Graph(BuiltInWrites.Mean(at.Site, from: null, pooled: true, over: prompts)),
        ];
        int longest = prompts.Prompts.Max(prompt => prompt.Runs[0].Ids.Count);
        long each = (long)longest * model.VocabularySize * sizeof(double) * 3;
        int[][] groups = [.. Enumerable.Range(0, prompts.Prompts.Count)
            .Chunk((int)Math.Clamp(options.MemoryBudget / 4 / Math.Max(1, each), 1, options.BatchSize))];
        RunOptions runs = options with { Progress = null, KeptRuns = [], Means = options.Means ?? new MeanCache() };
        List<double[]>[] losses = [.. graphs.Select(_ => new List<double[]>())];
        List<double[]>[] divergences = [.. graphs.Select(_ => new List<double[]>())];
        foreach ((int group, int[] numbers) in groups.Index())
        {
            using DisposeScope scope = NewDisposeScope();
            PromptTokens[] some = [.. numbers.Select(number => prompts.Prompts[number])];
            Tensor? model_log = null;
            foreach ((int i, InterventionGraph graph) in graphs.Index())
            {
                using RunResult run = graph.Run(model, new SomePrompts(prompts.Vocabulary, some), runs, cancellationToken);
                Tensor log = nn.functional.log_softmax(run.Changed("logits").Values.to_type(ScalarType.Float64), -1);
                model_log ??= log;
                losses[i].AddRange(LossesOf(log, some));
                divergences[i].AddRange(Rows(model_log.exp().mul(model_log.sub(log)).sum([-1L]), some, shorter: 0));
            }
            options.Progress?.Report(new RunProgress(group + 1, groups.Length));
        }
        return new SpliceLosses([.. losses.Zip(divergences, (loss, divergence) => new RunLosses([.. loss], [.. divergence]))], firstTarget);

        static InterventionGraph Graph(params WriteNode[] writes) => new()
        {
            Name = nameof(SpliceLosses),
            Captures = [new CaptureNode("logits", "logits", [new Read.Value()], x => x[0])],
            Writes = [.. writes],
        };
    }

    /// <summary>The mean loss over all targets that count, in nats.</summary>
    public double Loss(RunLosses run)
    {
        ArgumentNullException.ThrowIfNull(run);
        return run.Losses.SelectMany(losses => losses.Skip(_first - 1)).Average();
    }

    /// <summary>The mean of KL(model ‖ run) over all positions, in nats.</summary>
    public static double Divergence(RunLosses run)
    {
        ArgumentNullException.ThrowIfNull(run);
        return run.Divergences.SelectMany(divergences => divergences).Average();
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        TextTable table = new(new("run"), new("loss", IsNumber: true), new("KL from the model", IsNumber: true));
        foreach ((string name, RunLosses run) in new[]
            { ("model", Model), ("spliced", Spliced), ("zero ablated", ZeroAblated), ("mean ablated", MeanAblated) })
            table.Add(name, Number(Loss(run)), Number(Divergence(run)));
        return $"{table.Print()}loss recovered {Number(Recovered)}, from mean ablation {Number(RecoveredFromMean)}\n";

        static string Number(double value) => value.ToString("0.0000", CultureInfo.InvariantCulture);
    }

    /// <summary>The losses of the targets of each prompt.</summary>
    private static IEnumerable<double[]> LossesOf(Tensor log, PromptTokens[] prompts)
    {
        long width = log.shape[1];
        long[] ids = [.. prompts.SelectMany(prompt => Enumerable.Range(1, (int)width)
            .Select(at => at < prompt.Runs[0].Ids.Count ? prompt.Runs[0].Ids[at] : 0))];
        Tensor targets = tensor(ids, device: log.device).view(prompts.Length, width, 1);
        return Rows(log.gather(-1, targets).squeeze(-1).neg(), prompts, shorter: 1);
    }

    /// <summary>The rows of a matrix, without what is behind each prompt's end.</summary>
    private static IEnumerable<double[]> Rows(Tensor values, PromptTokens[] prompts, int shorter)
    {
        double[] all = values.cpu().contiguous().data<double>().ToArray();
        int width = (int)values.shape[1];
        return [.. prompts.Select((prompt, row) => all[(row * width)..((row * width) + prompt.Runs[0].Ids.Count - shorter)])];
    }
}
