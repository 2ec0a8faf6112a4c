using System.Collections.Immutable;
using Interventions.ModelGraphs;
using Interventions.Results;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits;

/// <summary>What an edge carries that is taken away, or what stands for a node that is knocked out; and how runs are carried out.</summary>
public sealed record CircuitOptions
{
    /// <summary>Of fewer prompts than these, a mean is worth a warning.</summary>
    private const int FewestPrompts = 5;

    /// <summary>Means are taken once for these options, and for those made of them by <c>with</c>.</summary>
    private readonly MeanCache _means = new();

    /// <summary>
    /// What an edge carries instead of its source's value: that of another run, 0, or a mean over prompts. A feed-forward block's output
    /// bias goes with its output; attention's stays, and so do position embeddings. Default: that of another run.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is none of these.</exception>
    public Ablation Ablation
    {
        get;
        init => field = value is Ablation.OtherRun or Ablation.Zero or Ablation.Mean
            ? value
            : throw new ArgumentOutOfRangeException(
                nameof(Ablation), value,
                $"An edge carries the value of another run ({nameof(Ablation.OtherRun)}), 0 ({nameof(Ablation.Zero)}) or a mean over "
                + $"prompts ({nameof(Ablation.Mean)}).");
    } = Ablation.OtherRun;

    /// <summary>
    /// The other run, in prompts that align with the first run's token by token; of a mean, the run whose prompts are averaged. Default:
    /// <c>corrupted</c>, and where <see cref="Over"/> is given its first run.
    /// </summary>
    public string From
    {
        get => field ?? Over?.Vocabulary.Runs[0] ?? "corrupted";
        init;
    }

    /// <summary>
    /// The prompts over which a mean is taken, such as sentences of the same patterns with other names. Default: those that are measured.
    /// The means are taken once: neither these prompts nor the model's weights may change while the options are in use.
    /// </summary>
    public IPromptSet? Over { get; init; }

    /// <summary>
    /// Whether prompts of all templates count for a mean, position by position. Default: those of the prompt's own
    /// <see cref="PromptTokens.Template"/> alone.
    /// </summary>
    public bool AcrossTemplates { get; init; }

    /// <summary>Whether one mean is taken over all positions of all prompts. Default: one for each position.</summary>
    public bool Pooled { get; init; }

    /// <summary>Batch size, memory budget, progress: nothing that changes a value.</summary>
    public RunOptions Run { get; init; } = new();

    /// <summary>How runs are carried out, with the means that earlier ones took.</summary>
    internal RunOptions Runs => Run with { Means = Run.Means ?? _means };

    /// <summary>Reads of what an edge carries instead, of each site: none where it carries nothing.</summary>
    internal ImmutableArray<Read> Replacements(IEnumerable<string> sites) => [.. sites.Select(Replacement).OfType<Read>()];

    /// <summary>Reads of what stands for the selected values of a method's own site: none for 0.</summary>
    internal ImmutableArray<Read> Replacement() => Replacement(null) is { } read ? [read] : [];

    /// <summary>The name of an option of means that is said; null if none is.</summary>
    internal string? OfMeans =>
        Over is not null ? nameof(Over)
        : AcrossTemplates ? nameof(AcrossTemplates)
        : Pooled ? nameof(Pooled)
        : null;

    /// <summary>Refuses what is said and not read.</summary>
    /// <exception cref="InterventionException">Something is.</exception>
    internal void Check()
    {
        if (Ablation != Ablation.Mean && OfMeans is { } unread)
            throw new InterventionException(
                $"{nameof(CircuitOptions)}.{unread} is of means, and {nameof(Ablation)} is {Ablation}: say {nameof(Ablation)} = "
                + $"{nameof(Ablation)}.{nameof(Ablation.Mean)}, or leave it out.");
    }

    private Read? Replacement(string? site) => Ablation switch
    {
        Ablation.Zero => null,
        Ablation.Mean => new Read.Mean(From, Pooled, Over, AcrossTemplates, site, AtIndices: true, FewestPrompts),
        _ => new Read.From(From, site),
    };
}

/// <summary>What every method here measures: one metric of one prompt set, in its first run and in a changed one.</summary>
internal sealed record Measurement
{
    private Measurement(HookedModel model, IPromptSet prompts, MetricNode metric, CircuitOptions options) =>
        (Model, Prompts, Metric, Options) = (model, prompts, metric, options);

    public HookedModel Model { get; }

    public IPromptSet Prompts { get; private init; }

    public MetricNode Metric { get; }

    public CircuitOptions Options { get; private init; }

    /// <summary>The sites of sources and ports, which a model without edges of single heads lacks.</summary>
    /// <exception cref="InterventionException">The model has no edges.</exception>
    public CircuitSites Sites => field ??= CircuitSites.Of(Model);

    /// <summary>The run of the prompt set that is changed.</summary>
    public string Clean => Prompts.Vocabulary.Runs[0];

    /// <summary>The other run, for methods that compare two runs.</summary>
    /// <exception cref="InterventionException">By the options 0 or a mean stands for values, so that there is no other run.</exception>
    public string OtherRun => Options.Ablation == Ablation.OtherRun ? Options.From : throw new InterventionException(
        $"Another run is compared with the clean one, and {nameof(CircuitOptions)}.{nameof(CircuitOptions.Ablation)} is "
        + $"{Options.Ablation}: there is no corrupted run.");

    /// <summary>Checks what is given.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">The prompts.</param>
    /// <param name="metric">A declaration that measures one metric, and does nothing else.</param>
    /// <param name="options">The options; null for the default ones.</param>
    /// <exception cref="InterventionException">The metric is not that, or the other run is the first one.</exception>
    public static Measurement Of(HookedModel model, IPromptSet prompts, InterventionGraph metric, CircuitOptions? options)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(prompts);
        ArgumentNullException.ThrowIfNull(metric);
        options ??= new CircuitOptions();
        options.Check();
        MetricNode one = MetricsAlone.One(metric);
        if (options.Ablation == Ablation.OtherRun && options.From == prompts.Vocabulary.Runs[0])
            throw new InterventionException(
                $"'{options.From}' is the run that is changed: {nameof(CircuitOptions)}.{nameof(CircuitOptions.From)} names another one of "
                + $"{string.Join(", ", prompts.Vocabulary.Runs)}.");
        return new Measurement(model, prompts, one, options);
    }

    /// <summary>What a method measures that puts another run's values in.</summary>
    /// <exception cref="InterventionException">What <see cref="Of"/> refuses; or values are not to be another run's.</exception>
    public static Measurement OfOtherRun(HookedModel model, IPromptSet prompts, InterventionGraph metric, CircuitOptions? options)
    {
        Measurement measurement = Of(model, prompts, metric, options);
        return measurement.Options.Ablation == Ablation.OtherRun ? measurement : throw new InterventionException(
            $"Patching puts in the values of another run, and {nameof(CircuitOptions)}.{nameof(CircuitOptions.Ablation)} is "
            + $"{measurement.Options.Ablation}: leave it {Ablation.OtherRun}, and name the run in {nameof(CircuitOptions.From)}.");
    }

    /// <summary>The same of some of the prompts.</summary>
    /// <param name="prompts">Their numbers, in order.</param>
    public Measurement On(IEnumerable<int> prompts) => this with
    {
        Prompts = new SomePrompts(Prompts.Vocabulary, [.. prompts.Select(prompt => Prompts.Prompts[prompt])]),
    };

    /// <summary>
    /// This measurement over runs of the prompt set that are computed once, so that a circuit's run begins at the first port that lacks an
    /// edge; naive runs compute everything anew. The caller tells the progress.
    /// </summary>
    /// <param name="held">What is held: to be disposed after the last run; null where nothing is.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    public Measurement Holding(out HeldRuns? held, CancellationToken cancellationToken)
    {
        RunOptions quiet = Options.Run with { Progress = null };
        held = quiet.Naive ? null : InterventionRunner.Hold(Model, Prompts, Sites.Streams(Model), quiet, cancellationToken);
        return this with { Options = Options with { Run = quiet with { Held = held } } };
    }

    /// <summary>The metric's mean over prompts in a run that a graph changes.</summary>
    public double Mean(InterventionGraph graph, CancellationToken cancellationToken)
    {
        using DisposeScope scope = NewDisposeScope();
        using RunResult run = Run(graph, cancellationToken, kept: []);
        return MeanOf(run);
    }

    /// <summary>The metric's mean over prompts in the changed run.</summary>
    public double MeanOf(RunResult run)
    {
        using DisposeScope scope = NewDisposeScope();
        return run.Changed(Metric.Name).Values.to(ScalarType.Float64).mean().item<double>();
    }

    /// <summary>Runs a graph with the metric.</summary>
    /// <param name="graph">What is written and kept beside the metric.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <param name="kept">Of which runs it is kept beside the changed one; by default as the options say, which is of all.</param>
    public RunResult Run(InterventionGraph graph, CancellationToken cancellationToken, IReadOnlyList<string>? kept = null) =>
        (graph with { Metrics = [Metric], IsUnanalyzed = true })
            .Run(Model, Prompts, kept is null ? Options.Runs : Options.Runs with { KeptRuns = kept }, cancellationToken);

    /// <summary>The same for one of several parts of the work, whose progress is that of the whole: in thousandths of parts.</summary>
    /// <param name="part">The number of the part.</param>
    /// <param name="parts">How many there are.</param>
    public Measurement OfPart(int part, int parts) =>
        this with { Options = Options with { Run = PartOfProgress.Of(Options.Run, part, parts) } };
}

/// <summary>Some prompts of a set.</summary>
internal sealed record SomePrompts(PromptVocabulary Vocabulary, IReadOnlyList<PromptTokens> Prompts) : IPromptSet;

/// <summary>The progress of a part of the work as that of the whole, in thousandths of parts: parts differ in their steps.</summary>
internal sealed class PartOfProgress : IProgress<RunProgress>
{
    private const int Steps = 1000;

    private readonly IProgress<RunProgress> _whole;
    private readonly int _part, _parts;

    private PartOfProgress(IProgress<RunProgress> whole, int part, int parts) => (_whole, _part, _parts) = (whole, part, parts);

    /// <summary>How one of several parts is run.</summary>
    public static RunOptions Of(RunOptions options, int part, int parts) => options.Progress is { } whole
        ? options with { Progress = new PartOfProgress(whole, part, parts) }
        : options;

    public void Report(RunProgress value) =>
        _whole.Report(new RunProgress((_part * Steps) + (int)((long)Steps * value.Done / Math.Max(1, value.Total)), _parts * Steps));
}
