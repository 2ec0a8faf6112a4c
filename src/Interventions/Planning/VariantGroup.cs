using System.Collections.Immutable;
using Interventions.Binding;
using Interventions.ModelGraphs;

namespace Interventions.Planning;

/// <summary>
/// Variants that write the same nodes at the same positions and differ in the written values only. They are planned once and computed side
/// by side. A run of the prompt set is a group of one variant.
/// </summary>
/// <param name="Index">Its place among the groups: a group reads earlier groups only.</param>
/// <param name="Run">The run's number; null for the changed run.</param>
/// <param name="TokensOf">The run of the prompt set whose tokens it has.</param>
/// <param name="Points">The variants, by their points' places in the sweep; empty for a run of the prompt set.</param>
/// <param name="Point">A point that stands for all of them.</param>
/// <param name="Writes">The writes by node, in order.</param>
/// <param name="Definitions">The detours that it takes, by node.</param>
internal sealed record VariantGroup(
    int Index,
    int? Run,
    int TokensOf,
    ImmutableArray<int> Points,
    SweepPoint Point,
    IReadOnlyDictionary<string, ImmutableArray<BoundWrite>> Writes,
    IReadOnlyDictionary<string, Definition> Definitions)
{
    /// <summary>Whether it is a run of the prompt set.</summary>
    public bool IsUnchanged => Points.IsEmpty;

    /// <summary>How many variants it has.</summary>
    public int Count => IsUnchanged ? 1 : Points.Length;

    /// <summary>The group whose rows it inherits where its own would be the same; null for the first run of the prompt set.</summary>
    public int? Parent => !IsUnchanged ? TokensOf : Index > 0 ? 0 : null;

    /// <summary>Its run's place in an order in which each run reads earlier ones only; the changed run is the last.</summary>
    public int RunOrder => Run ?? int.MaxValue;

    /// <summary>Whether captures, gradients and metrics are kept of it; derived runs are only read.</summary>
    public bool IsMeasured => IsUnchanged || Run is null;

    /// <summary>
    /// Nodes that have another shape than the parent's and are read as whole sequences. A sequence of two shapes cannot be put together, so
    /// all rows of these nodes are the group's own.
    /// </summary>
    public IReadOnlySet<string> Whole { get; init; } = ImmutableHashSet<string>.Empty;

    /// <summary>How it computes a node.</summary>
    public Definition DefinitionOf(ModelNode node) => Definitions.GetValueOrDefault(node.Name, node.Definition);
}

/// <summary>Puts points of the sweep that write the same nodes at the same positions into one group.</summary>
/// <param name="request">What is planned.</param>
/// <param name="points">The points of the sweep.</param>
/// <param name="pulled">Sites whose gradients are pulled back, so that their detours are not taken.</param>
internal sealed class VariantGrouping(PlanRequest request, ImmutableArray<SweepPoint> points, IReadOnlySet<string> pulled)
{
    private readonly BoundIntervention _intervention = request.Intervention;

    /// <summary>The runs of the prompt set, then for each set of points the derived runs and the changed run.</summary>
    public ImmutableArray<VariantGroup> Groups()
    {
        var groups = ImmutableArray.CreateBuilder<VariantGroup>();
        IReadOnlyDictionary<string, Definition> ordinary = Detours(Differentiated(points));
        var none = ImmutableDictionary<string, ImmutableArray<BoundWrite>>.Empty;
        for (int run = 0; run < request.RunCount; run++)
            groups.Add(new VariantGroup(run, run, run, [], SweepPoint.None, none, ordinary));

        string[] structural = [.. Structural()];
        foreach (IGrouping<string, int> alike in Enumerable.Range(0, points.Length)
            .GroupBy(i => string.Join('|', structural.Select(placeholder => points[i][placeholder]))))
        {
            ImmutableArray<int> variants = [.. alike];
            foreach (BoundRun run in _intervention.Runs)
                groups.Add(Group(groups.Count, run.Number, run.Of, variants));
            groups.Add(Group(groups.Count, null, _intervention.BaseRun, variants));
        }
        return groups.ToImmutable();
    }

    private VariantGroup Group(int index, int? run, int tokensOf, ImmutableArray<int> variants)
    {
        SweepPoint point = points[variants[0]];
        Dictionary<string, ImmutableArray<BoundWrite>> writes = _intervention.Writes
            .Where(write => write.Run == run).SelectMany(write => write.Declared)
            .SelectMany(write => write.Site.Names(point).Select(node => (node, write)))
            .GroupBy(pair => pair.node, pair => pair.write).ToDictionary(ofNode => ofNode.Key, ofNode => ofNode.ToImmutableArray());
        HashSet<string> touched = [.. writes.Keys];
        // Gradients are taken in every run that is measured.
        if (run is null)
            touched.UnionWith(Differentiated([point]));
        VariantGroup group = new(index, run, tokensOf, variants, point, writes, Detours(touched));
        return group with { Whole = Whole(group) };
    }

    private HashSet<string> Differentiated(IEnumerable<SweepPoint> some) =>
        [.. some.SelectMany(_intervention.Differentiated).Except(pulled)];

    /// <summary>Placeholders that decide which nodes or positions are selected. Points that agree in them are one group.</summary>
    private IEnumerable<string> Structural()
    {
        IEnumerable<BoundSite> sites = _intervention.Writes.Select(write => write.Site)
            .Concat(_intervention.Kept.Select(keep => keep.Site)).Concat(_intervention.Reads.OtherSites());
        return sites.SelectMany(site => Enumerable.Range(0, site.Axes.Length).Where(site.IsPositional)
                .Select(axis => site.Axes[axis]).Append(site.Layers))
            .Select(selection => selection?.Placeholder)
            .Concat(_intervention.Reads.OfType<BoundRead.From>().Select(from => from.Run.Sweep))
            .OfType<string>().Distinct();
    }

    private HashSet<string> Whole(VariantGroup group)
    {
        HashSet<string> reshaped = [], readWhole = [];
        foreach ((string node, Definition definition) in group.Definitions)
            if (request.Shapes.Reshaped(definition) is not null)
                reshaped.Add(node);
        if (reshaped.Count == 0)
            return [];
        foreach (ModelNode node in request.Graph.Nodes.Reverse())
        {
            Definition definition = group.DefinitionOf(node);
            if (definition.LooksBeyond ? definition.Piecewise is null : readWhole.Contains(node.Name))
                readWhole.UnionWith(definition.Inputs.Select(input => input.Node));
        }
        reshaped.IntersectWith(readWhole);
        return reshaped;
    }

    /// <summary>The definitions of nodes that are not the ordinary ones when some sites are written or differentiated.</summary>
    private Dictionary<string, Definition> Detours(HashSet<string> touched) => request.Graph.Nodes
        .Where(node => !node.Detours.IsEmpty)
        .Select(node => (node.Name, node.Definition, Under: node.DefinitionUnder(touched)))
        .Where(node => !ReferenceEquals(node.Definition, node.Under)).ToDictionary(node => node.Name, node => node.Under);
}
