using System.Collections.Immutable;
using Interventions.ModelGraphs;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits;

/// <summary>What mends the two ways in which a gradient overlooks a node.</summary>
[Flags]
public enum AttributionFixes
{
    /// <summary>Plain attribution patching.</summary>
    None = 0,

    /// <summary>
    /// Of queries and keys, the softmax is computed with the other run's, and only what lies behind it is linear: a saturated softmax hides
    /// them from a gradient.
    /// </summary>
    Attention = 1,

    /// <summary>
    /// The mean of absolute estimates over backward passes in each of which one layer's whole write to the stream is constant: direct and
    /// indirect effects that cancel are seen.
    /// </summary>
    GradDrop = 2,

    /// <summary>Both: AtP*.</summary>
    All = Attention | GradDrop,
}

/// <summary>
/// Attribution patching of nodes (Nanda 2023), and AtP* (Kramár et al. 2024, arXiv:2403.00745): to first order, how the metric changes when
/// one node at one position has another run's value, for all nodes in two forward passes and one backward pass. It approximates what
/// <see cref="ActivationPatching"/> measures when it noises.
/// </summary>
public static class NodeAttribution
{
    /// <summary>Scores all nodes of some kinds, position by position.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">Prompts in two runs at least, which align token by token; the first one is the clean one.</param>
    /// <param name="metric">
    /// A declaration with one metric and nothing else. A divergence from the clean run has gradient 0 there, and gives zeros.
    /// </param>
    /// <param name="fixes">What is mended.</param>
    /// <param name="nodes">
    /// The kinds. Default: heads' mixed values, queries, keys and values, and what feed-forward blocks write.
    /// </param>
    /// <param name="options">The other run (<see cref="CircuitOptions.From"/>), and how to run.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <exception cref="InterventionException">
    /// The model has no such nodes, or one layer alone where blocks are to be dropped; the declaration is not one metric, or a name is not
    /// in the prompt set.
    /// </exception>
    public static NodeAttributions Of(
        HookedModel model,
        IPromptSet prompts,
        InterventionGraph metric,
        AttributionFixes fixes = AttributionFixes.None,
        IReadOnlyCollection<NodeKind>? nodes = null,
        CircuitOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        Measurement measurement = Measurement.OfOtherRun(model, prompts, metric, options);
        NodeSites sites = NodeSites.Of(model);
        bool drops = fixes.HasFlag(AttributionFixes.GradDrop), mends = fixes.HasFlag(AttributionFixes.Attention);
        if (drops && sites.Layers < 2)
            throw new InterventionException(
                $"{model.Schema.Model} has one layer: without its write nothing is left to differentiate. Leave GradDrop out.");
        ImmutableArray<NodeKind> kinds = [.. (nodes ??
            [NodeKind.Z, NodeKind.Query, NodeKind.Key, NodeKind.Value, .. sites.HasMlps ? [NodeKind.MlpOut] : (NodeKind[])[]]).Distinct()];
        AttributionRuns runs = new(measurement, sites, kinds, mends, drops);
        int longest = prompts.Prompts.Max(prompt => prompt.Runs[0].Ids.Count), blocks = drops ? sites.Layers : 0;
        // Of each kind a table of the scores, and one for each dropped block.
        Dictionary<NodeKind, NodeTable[]> tables = kinds.ToDictionary(kind => kind, kind =>
        {
            ImmutableArray<NodeAxis> axes = Axes(sites, kind, longest);
            return Enumerable.Range(0, 1 + blocks).Select(_ => new NodeTable(axes, prompts.Prompts.Count)).ToArray();
        });
        BaselineTable baselines = new(measurement);
        foreach (int[] some in Enumerable.Range(0, prompts.Prompts.Count).Chunk(runs.PromptsAtOnce(longest)))
        {
            using DisposeScope scope = NewDisposeScope();
            using AttributionPass pass = runs.Run(some, cancellationToken);
            baselines.Fill(pass.Gradients, some);
            int[] lengths = [.. some.Select(prompt => prompts.Prompts[prompt].Runs[0].Ids.Count)];
            foreach (NodeKind kind in kinds)
                Fill(kind, pass, tables[kind], some, lengths);
        }
        return new NodeAttributions([.. kinds.Select(kind => Scores(kind, tables[kind][0], $"{TitleOf(fixes)} of {kind}"))],
        [
            .. kinds.Select(kind => tables[kind].Skip(1)
                .Select((table, block) => Scores(kind, table, $"AtP of {kind} with block {block} constant")).ToImmutableArray()),
        ]);

        NodeScores Scores(NodeKind kind, NodeTable table, string name) =>
            new(name, measurement.Metric.Name, Axes(sites, kind, longest), table.Prompts, baselines.Filled()) { Kind = kind };
    }

    private static string TitleOf(AttributionFixes fixes) => fixes switch
    {
        AttributionFixes.All => "AtP*",
        AttributionFixes.GradDrop => "AtP with GradDrop",
        AttributionFixes.Attention => "AtP with the softmax computed",
        _ => "AtP",
    };

    /// <summary>Fills in a kind's estimates of some prompts.</summary>
    private static void Fill(NodeKind kind, AttributionPass pass, NodeTable[] tables, int[] prompts, int[] lengths)
    {
        using DisposeScope scope = NewDisposeScope();
        if (tables.Length == 1)
        {
            tables[0].Fill(pass.Estimate(kind, block: null), prompts, lengths);
            return;
        }
        Tensor? sum = null;
        int blocks = tables.Length - 1;
        for (int block = 0; block < blocks; block++)
        {
            Tensor estimate = pass.Estimate(kind, block);
            tables[1 + block].Fill(estimate, prompts, lengths);
            sum = sum is null ? estimate.abs() : sum.plus(estimate.abs());
        }
        // A node is a part of one block, in whose backward pass it has no effect; the embedding and the stream are parts of none.
        tables[0].Fill(sum!.over(kind is NodeKind.Embed or NodeKind.ResidPre ? blocks : blocks - 1), prompts, lengths);
    }

    private static ImmutableArray<NodeAxis> Axes(NodeSites sites, NodeKind kind, int longest) =>
    [
        .. kind == NodeKind.Embed ? [] : (NodeAxis[])[NodeAxis.Of("layer", sites.Layers)],
        .. sites.AxisOf(kind) is { } unit ? [unit] : (NodeAxis[])[],
        NodeAxis.Of(NodeSites.PositionOf(kind), longest),
        .. kind == NodeKind.Pattern ? [NodeAxis.Of("key", longest)] : (NodeAxis[])[],
    ];
}
