using Interventions.ModelGraphs;
using Interventions.Runtime;
using Interventions.Sites;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>A dictionary and the site that it is spliced into.</summary>
/// <param name="Dictionary">The dictionary, which is borrowed: an <see cref="Sae"/>, or another encoder–decoder.</param>
/// <param name="Site">The site whose value it replaces: one layer's, without selectors, such as <c>blocks.7.resid_pre</c>.</param>
/// <param name="Reads">The site that it encodes, of a transcoder. Default: the replaced one.</param>
public sealed record FeatureSite(ISplice Dictionary, string Site, string? Reads = null)
{
    private const string Name = "Sae";

    /// <summary>
    /// Whether the changed run keeps the error term, the part of the value that the dictionary does not reconstruct. Without it the run
    /// that is measured is the spliced one. Default: true.
    /// </summary>
    public bool ErrorTerm { get; init; } = true;

    /// <summary>The path of the features.</summary>
    internal string Features => $"{Site}.sae.features";

    /// <summary>A graph with the dictionary in the model, in front of its writes.</summary>
    internal InterventionGraph In(InterventionGraph graph)
    {
        InterventionGraph spliced = (graph with { Writes = [] }).Splice(Name, Site, Dictionary, Reads, ErrorTerm);
        return spliced with { Writes = spliced.Writes.AddRange(graph.Writes) };
    }

    /// <summary>The rows of an <see cref="Sae"/>'s decoder as features are multiplied with them, <c>[feature, d_out]</c>.</summary>
    /// <exception cref="InterventionException">The dictionary is none, or what it writes is not added to the stream as it is.</exception>
    internal Tensor Directions()
    {
        if (Dictionary is not Sae { Config: { FlattensHeads: false } config } sae
            || (config.InputNorm != InputNorm.None && !config.IsTranscoder))
            throw new InterventionException(
                "Direct effects are along rows of a decoder: they need an Sae that neither flattens heads nor undoes a normalisation.");
        string part = Site[(Site.LastIndexOf('.') + 1)..];
        if (part is not ("resid_pre" or "resid_mid" or "resid_post" or "attn_out" or "mlp_out"))
            throw new InterventionException($"What stands at '{Site}' is not added to the stream as it is, so it has no direct effect.");
        return sae.Directions();
    }
}

/// <summary>What attribution to features measures: one metric of one prompt set, on a model with a dictionary in it.</summary>
/// <param name="Model">The model.</param>
/// <param name="Prompts">The prompts.</param>
/// <param name="Metric">The metric.</param>
/// <param name="At">The dictionary.</param>
/// <param name="Options">How to run.</param>
internal sealed record FeatureMeasurement(
    HookedModel Model, IPromptSet Prompts, MetricNode Metric, FeatureSite At, FeatureAttributionOptions Options)
{
    public const string Activations = "Features", Baselines = "Baselines", Gradients = "Gradients";

    /// <summary>Checks what is given.</summary>
    /// <exception cref="InterventionException">The declaration is not one metric, or the baseline is the run that is measured.</exception>
    public static FeatureMeasurement Of(
        HookedModel model, IPromptSet prompts, InterventionGraph metric, FeatureSite at, FeatureAttributionOptions? options)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(prompts);
        ArgumentNullException.ThrowIfNull(metric);
        ArgumentNullException.ThrowIfNull(at);
        options ??= new FeatureAttributionOptions();
        if (metric is not { Metrics: [MetricNode one], Writes: [], Splices: [], Captures: [], Gradients: [], Parameters: [] })
            throw new InterventionException($"{metric.Name} is to be one metric, and nothing else.");
        if (at.Site.AsSpan().IndexOfAny("*[{") >= 0)
            throw new InterventionException($"'{at.Site}' is to be one site, without wildcards and selectors.");
        if (options.From is { } from && from == prompts.Vocabulary.Runs[0])
            throw new InterventionException(
                $"'{from}' is the run that is measured: {nameof(FeatureAttributionOptions.From)} names another one of "
                + $"{string.Join(", ", prompts.Vocabulary.Runs)}.");
        return new FeatureMeasurement(model, prompts, one, at, options);
    }

    /// <summary>How many features there are.</summary>
    public int Features => At.Dictionary.Features;

    /// <summary>The numbers of prompts that are run together, so that their features fit into a part of the memory budget.</summary>
    public IEnumerable<int[]> Groups()
    {
        long longest = Prompts.Prompts.Count == 0 ? 1 : Prompts.Prompts.Max(prompt => (long)prompt.Runs[0].Ids.Count);
        long each = Math.Max(1, longest * Features * sizeof(double) * 4);
        long fitting = Math.Max(1, Options.Run.MemoryBudget / 4 / each);
        return Enumerable.Range(0, Prompts.Prompts.Count).Chunk((int)Math.Min(Options.Run.BatchSize, fitting));
    }

    /// <summary>Runs a graph with the metric, on some prompts; of the changed run alone values are kept.</summary>
    public RunResult Run(InterventionGraph graph, IReadOnlyList<int> prompts, CancellationToken cancellationToken) =>
        At.In(graph with { Metrics = [Metric] }).Run(
            Model, new SomePrompts(Prompts.Vocabulary, [.. prompts.Select(prompt => Prompts.Prompts[prompt])]),
            Options.Run with { Progress = null, KeptRuns = [] }, cancellationToken);

    /// <summary>A graph that keeps the features, and what stands for them in the other run.</summary>
    public InterventionGraph Captured() => new()
    {
        Name = nameof(FeatureAttribution),
        Captures =
        [
            new CaptureNode(Activations, At.Features, [new Read.Value()], x => x[0]),
            .. Options.From is { } from
                ? [new CaptureNode(Baselines, At.Features, [new Read.From(from)], x => x[0])] : Array.Empty<CaptureNode>(),
        ],
    };

    /// <summary>What stands for features, of a run of <see cref="Captured"/>: <c>[batch, pos, feature]</c>, or null for 0.</summary>
    public Tensor? BaselinesOf(RunResult run) => Options.From is null ? null : run.Changed(Baselines).Values;
}

/// <summary>Some prompts of a set.</summary>
internal sealed record SomePrompts(PromptVocabulary Vocabulary, IReadOnlyList<PromptTokens> Prompts) : IPromptSet;
