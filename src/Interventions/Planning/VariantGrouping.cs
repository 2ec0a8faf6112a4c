using System.Collections.Immutable;
using Interventions.Binding;
using Interventions.ModelGraphs;

namespace Interventions.Planning;

/// <summary>The first step of planning, expand: writes are spliced into the model graph, a group of variants at a time.</summary>
internal static class VariantGrouping
{
    /// <summary>The groups: runs of the prompt set, then for each set of points the derived runs and the changed run.</summary>
    public static ImmutableArray<VariantGroup> Of(ModelGraph graph, NodeShapes shapes, BoundIntervention intervention, int runs, IReadOnlySet<string> pulled)
    {
        SweepPoint[] points = [.. intervention.Points()];
        // Gradients are taken in every run that is measured.
        var groups = ImmutableArray.CreateBuilder<VariantGroup>();
        IReadOnlyDictionary<string, Definition> ordinary = Definitions(graph, [.. Differentiated(intervention, points).Except(pulled)]);
        for (int run = 0; run < runs; run++)
            groups.Add(new VariantGroup(run, run, run, run == 0 ? null : 0, [], SweepPoint.None, ImmutableDictionary<string, ImmutableArray<BoundWrite>>.Empty, ordinary));

        string[] structural = [.. Structural(intervention)];
        foreach (int[] variants in Enumerable.Range(0, points.Length)
            .GroupBy(i => string.Join('|', structural.Select(placeholder => points[i][placeholder])), (_, variants) => variants.ToArray()))
        {
            SweepPoint point = points[variants[0]];
            foreach ((int? run, int of) in intervention.Runs.Select(run => ((int?)run.Number, run.Of)).Append((null, intervention.BaseRun)))
            {
                BoundWrite[] own = [.. intervention.Writes.Where(write => write.Run == run).SelectMany(write => write.Declared)];
                Dictionary<string, ImmutableArray<BoundWrite>> writes = own
                    .SelectMany(write => write.Site.Names(point).Select(node => (node, write)))
                    .GroupBy(pair => pair.node, pair => pair.write).ToDictionary(alike => alike.Key, alike => alike.ToImmutableArray());
                HashSet<string> touched = [.. writes.Keys];
                if (run is null)
                    touched.UnionWith(Differentiated(intervention, [point]).Except(pulled));
                VariantGroup group = new(groups.Count, run, of, of, [.. variants], point, writes, Definitions(graph, touched));
                groups.Add(group with { Whole = Whole(graph, shapes, group) });
            }
        }
        return groups.ToImmutable();
    }

    /// <summary>Nodes whose gradients are kept.</summary>
    public static HashSet<string> Differentiated(BoundIntervention intervention, IEnumerable<SweepPoint> points) =>
        [.. points.SelectMany(point => intervention.Gradients.SelectMany(gradient => gradient.Site.Names(point)))];

    /// <summary>Placeholders that decide about nodes or positions; points that agree in them are one group.</summary>
    private static IEnumerable<string> Structural(BoundIntervention intervention)
    {
        IEnumerable<BoundSite> sites =
        [
            .. intervention.Writes.SelectMany(write => write.Reads.OtherSites().Prepend(write.Site)),
            .. intervention.Kept.SelectMany(keep => keep.Reads.OtherSites().Prepend(keep.Site)),
            .. intervention.Metrics.SelectMany(metric => metric.Reads.OtherSites()),
        ];
        IEnumerable<string?> donors = intervention.Writes.SelectMany(write => write.Reads)
            .Concat(intervention.Kept.SelectMany(keep => keep.Reads))
            .Concat(intervention.Metrics.SelectMany(metric => metric.Reads)).OfType<BoundRead.From>().Select(from => from.Run.Sweep);
        return sites.SelectMany(site => Enumerable.Range(0, site.Axes.Length).Where(site.IsPositional).Select(axis => site.Axes[axis]).Append(site.Layers))
            .Select(selection => selection?.Placeholder).Concat(donors).OfType<string>().Distinct();
    }

    private static HashSet<string> Whole(ModelGraph graph, NodeShapes shapes, VariantGroup group)
    {
        HashSet<string> reshaped = [.. group.Definitions.Where(pair => shapes.Reshaped(pair.Value) is not null).Select(pair => pair.Key)], readWhole = [];
        if (reshaped.Count == 0)
            return [];
        foreach (ModelNode node in graph.Nodes.Reverse())
        {
            Definition definition = group.DefinitionOf(node);
            if (definition.LooksBeyond ? definition.Piecewise is null : readWhole.Contains(node.Name))
                readWhole.UnionWith(definition.Inputs.Select(input => input.Node));
        }
        reshaped.IntersectWith(readWhole);
        return reshaped;
    }

    private static Dictionary<string, Definition> Definitions(ModelGraph graph, HashSet<string> touched) => graph.Nodes
        .Where(node => !node.Detours.IsEmpty)
        .Select(node => (node.Name, node.Definition, Under: node.DefinitionUnder(touched)))
        .Where(node => !ReferenceEquals(node.Definition, node.Under)).ToDictionary(node => node.Name, node => node.Under);
}
