using System.Collections.Immutable;
using Interventions.ModelGraphs;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits;

/// <summary>Which run is changed, and which one gives its values.</summary>
public enum PatchDirection
{
    /// <summary>The corrupted run gets clean values: what restores the behaviour is sufficient for it.</summary>
    Denoising,

    /// <summary>The clean run gets corrupted values: what breaks the behaviour is necessary for it.</summary>
    Noising,
}

/// <summary>What is patched at once.</summary>
public enum PatchUnit
{
    /// <summary>A node at one position; of a pattern one query's row. The default of the stream and of what is added to it.</summary>
    Position,

    /// <summary>A node at all positions, or at all those that <see cref="NodeSweep.At"/> names.</summary>
    AllPositions,

    /// <summary>One entry of a pattern: a query and a key. The row is not renormalised.</summary>
    Entry,
}

/// <summary>The nodes that a sweep patches, one after the other.</summary>
/// <param name="Kind">What they are.</param>
public sealed record NodeSweep(NodeKind Kind)
{
    /// <summary>
    /// What is patched at once. Default: heads at all positions, everything else position by position, neurons at all positions.
    /// </summary>
    public PatchUnit Unit { get; init; } = Kind is NodeKind.Embed or NodeKind.ResidPre or NodeKind.AttnOut or NodeKind.MlpOut
        ? PatchUnit.Position
        : PatchUnit.AllPositions;

    /// <summary>The positions, as site paths name them (<c>S2</c>, <c>end</c>, <c>3</c>); of patterns the queries. Default: all.</summary>
    public ImmutableArray<string> At { get; init; } = [];

    /// <summary>The layers. Default: all.</summary>
    public ImmutableArray<int> Layers { get; init; } = [];

    /// <summary>All nodes of a kind.</summary>
    public static implicit operator NodeSweep(NodeKind kind) => Of(kind);

    /// <summary>All nodes of a kind.</summary>
    public static NodeSweep Of(NodeKind kind) => new(kind);
}

/// <summary>
/// Activation patching (Vig et al. 2020, arXiv:2004.12265; Meng et al. 2022, arXiv:2202.05262): one node after the other gets the value
/// that it has in another run, everything behind it is computed anew, and the metric is measured. All of them are one planned sweep;
/// prompts of different lengths, position by position, are one for each length.
/// </summary>
public static class ActivationPatching
{
    /// <summary>Patches nodes one after the other.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">Prompts in two runs at least, which align token by token; the first one is the clean one.</param>
    /// <param name="metric">A declaration with one metric and nothing else.</param>
    /// <param name="nodes">Which nodes, and how much of each at once; a <see cref="NodeKind"/> for all of that kind.</param>
    /// <param name="direction">Which run is changed.</param>
    /// <param name="options">The corrupted run (<see cref="CircuitOptions.From"/>), and how to run.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <returns>The metric's change by layer, head or neuron, and position.</returns>
    /// <exception cref="InterventionException">
    /// The model has no such nodes, the declaration is not one metric, or a name is not in the prompt set.
    /// </exception>
    public static NodeScores Of(
        HookedModel model,
        IPromptSet prompts,
        InterventionGraph metric,
        NodeSweep nodes,
        PatchDirection direction = PatchDirection.Denoising,
        CircuitOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(nodes);
        Measurement measurement = Measurement.OfOtherRun(model, prompts, metric, options);
        NodeSites sites = NodeSites.Of(model);
        bool isDenoising = direction switch
        {
            PatchDirection.Denoising => true,
            PatchDirection.Noising => false,
            _ => throw new ArgumentOutOfRangeException(nameof(direction), direction, "There is no such direction."),
        };
        int longest = prompts.Prompts.Max(prompt => prompt.Runs[0].Ids.Count);
        NodeTable table = new(Axes(sites, nodes, longest), prompts.Prompts.Count);
        BaselineTable baselines = new(measurement);
        foreach ((int? length, int[] some) in Alike(prompts, nodes))
        {
            using DisposeScope scope = NewDisposeScope();
            using RunResult run = measurement.On(some).Run(
                new InterventionGraph
                {
                    Name = nameof(ActivationPatching),
                    Changes = isDenoising ? measurement.Options.From : measurement.Clean,
                    Writes =
                    [
                        BuiltInWrites.Freeze(Path(sites, nodes, length), isDenoising ? measurement.Clean : measurement.Options.From),
                    ],
                },
                cancellationToken);
            string name = measurement.Metric.Name;
            Tensor unchanged = run.Run(isDenoising ? measurement.Options.From : measurement.Clean)[name];
            table.Fill(run.Changed(name).Values.sub(unchanged), some);
            baselines.Fill(run, some);
        }
        return new NodeScores(
            $"{(isDenoising ? "denoising" : "noising")} {nodes.Kind}", measurement.Metric.Name,
            Axes(sites, nodes, longest), table.Prompts, baselines.Filled(isDenoising))
        {
            Kind = nodes.Kind,
        };
    }

    /// <summary>Prompts that are swept together: where every token is a place of its own, those of one length.</summary>
    private static IEnumerable<(int? Length, int[] Prompts)> Alike(IPromptSet prompts, NodeSweep nodes)
    {
        bool isEachToken = nodes.Unit == PatchUnit.Entry || (nodes.Unit == PatchUnit.Position && nodes.At.IsEmpty);
        return prompts.Prompts.Index()
            .GroupBy(prompt => isEachToken ? prompt.Item.Runs[0].Ids.Count : (int?)null, prompt => prompt.Index)
            .Select(group => (group.Key, group.ToArray()));
    }

    private static ImmutableArray<NodeAxis> Axes(NodeSites sites, NodeSweep nodes, int longest)
    {
        List<NodeAxis> axes = [];
        if (nodes.Kind != NodeKind.Embed)
            axes.Add(nodes.Layers.IsEmpty ? NodeAxis.Of("layer", sites.Layers) : new("layer", [.. nodes.Layers.Select(one => $"{one}")]));
        if (sites.AxisOf(nodes.Kind) is { } unit)
            axes.Add(unit);
        if (nodes.Unit != PatchUnit.AllPositions)
        {
            string position = NodeSites.PositionOf(nodes.Kind);
            axes.Add(nodes.At.IsEmpty ? NodeAxis.Of(position, longest) : new(position, nodes.At));
        }
        if (nodes.Unit == PatchUnit.Entry)
            axes.Add(NodeAxis.Of("key", longest));
        return [.. axes];
    }

    /// <summary>The swept path.</summary>
    /// <param name="sites">The model's sites.</param>
    /// <param name="nodes">The nodes.</param>
    /// <param name="length">How many tokens the prompts have, where each is a place of its own.</param>
    private static string Path(NodeSites sites, NodeSweep nodes, int? length)
    {
        string position = NodeSites.PositionOf(nodes.Kind), named = string.Join(',', nodes.At), all = $"0..{length - 1}";
        if (nodes.Unit == PatchUnit.Entry && nodes.Kind != NodeKind.Pattern)
            throw new InterventionException($"A pattern has entries, and {nodes.Kind} has none: sweep its positions.");
        List<string> selectors = [];
        if (sites.UnitOf(nodes.Kind) is { } unit)
            selectors.Add($"{unit}={{{unit}}}");
        if (nodes.Unit == PatchUnit.AllPositions && !nodes.At.IsEmpty)
            selectors.Add($"{position}={named}");
        else if (nodes.Unit != PatchUnit.AllPositions)
            selectors.Add($"{position}={{{position}={(nodes.At.IsEmpty ? all : named)}}}");
        if (nodes.Unit == PatchUnit.Entry)
            selectors.Add($"key={{key={all}}}");
        string layer = nodes.Layers.IsEmpty ? "{layer}" : $"{{layer={string.Join(',', nodes.Layers)}}}";
        return NodeSites.With((nodes.Kind == NodeKind.Embed ? "" : $"blocks.{layer}.") + sites.SiteOf(nodes.Kind), selectors);
    }
}
