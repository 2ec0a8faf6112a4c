using System.Collections.Immutable;
using Interventions.ModelGraphs;
using Interventions.Runtime;

namespace Interventions.Circuits;

/// <summary>What an edge carries that is taken away, and how runs are carried out.</summary>
public sealed record CircuitOptions
{
    /// <summary>
    /// What an edge carries instead of its source's value: that of another run, or 0. Under 0 a feed-forward block's output bias goes with
    /// its output; attention's stays, and so do position embeddings. Default: that of another run.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is neither.</exception>
    public Ablation Ablation
    {
        get;
        init => field = value is Ablation.OtherRun or Ablation.Zero
            ? value
            : throw new ArgumentOutOfRangeException(
                nameof(Ablation), value,
                $"An edge carries the value of another run ({nameof(Ablation.OtherRun)}) or 0 ({nameof(Ablation.Zero)}).");
    } = Ablation.OtherRun;

    /// <summary>The other run, in prompts that align with the first run's token by token. Default: <c>corrupted</c>.</summary>
    public string From { get; init; } = "corrupted";

    /// <summary>Batch size, memory budget, progress: nothing that changes a value.</summary>
    public RunOptions Run { get; init; } = new();

    /// <summary>Reads of what an edge carries instead, of each site: none where it carries nothing.</summary>
    internal ImmutableArray<Read> Replacements(IEnumerable<string> sites) =>
        Ablation == Ablation.Zero ? [] : [.. sites.Select(site => new Read.From(From, site))];
}

/// <summary>What every method here measures: one metric of one prompt set, in its first run and in a changed one.</summary>
internal sealed record Measurement
{
    private Measurement(HookedModel model, IPromptSet prompts, MetricNode metric, CircuitOptions options) =>
        (Model, Prompts, Metric, Options, Sites) = (model, prompts, metric, options, CircuitSites.Of(model));

    public HookedModel Model { get; }

    public IPromptSet Prompts { get; }

    public MetricNode Metric { get; }

    public CircuitOptions Options { get; }

    public CircuitSites Sites { get; }

    /// <summary>The run of the prompt set that is changed.</summary>
    public string Clean => Prompts.Vocabulary.Runs[0];

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
        string? problem =
            metric.Metrics.Length != 1 ? $"has {metric.Metrics.Length} metrics, and one is needed"
            : metric is not { Writes: [], Splices: [], Runs: [], Changes: null } ? "writes, and a metric only measures"
            : metric is not { Captures: [], Gradients: [], Parameters: [] } ? "keeps more than a metric"
            : null;
        if (problem is not null)
            throw new InterventionException(
                $"{metric.Name} {problem}: give a declaration such as "
                + "Intervention.On(model).LogitDifference(\"correct\", \"wrong\").Graph.");
        if (options.Ablation == Ablation.OtherRun && options.From == prompts.Vocabulary.Runs[0])
            throw new InterventionException(
                $"'{options.From}' is the run that is changed: {nameof(CircuitOptions)}.{nameof(CircuitOptions.From)} names another one of "
                + $"{string.Join(", ", prompts.Vocabulary.Runs)}.");
        return new Measurement(model, prompts, metric.Metrics[0], options);
    }

    /// <summary>Runs a graph with the metric.</summary>
    /// <param name="graph">What is written and kept beside the metric.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <param name="kept">Of which runs it is kept beside the changed one; by default as the options say, which is of all.</param>
    public RunResult Run(InterventionGraph graph, CancellationToken cancellationToken, IReadOnlyList<string>? kept = null) =>
        (graph with { Metrics = [Metric], IsUnanalyzed = true })
            .Run(Model, Prompts, kept is null ? Options.Run : Options.Run with { KeptRuns = kept }, cancellationToken);
}
