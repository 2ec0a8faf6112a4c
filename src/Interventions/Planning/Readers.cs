using Interventions.Binding;
using Interventions.ModelGraphs;

namespace Interventions.Planning;

/// <summary>Who reads a node: other nodes' definitions, and whoever needs the whole value as it is (a write, what is kept).</summary>
internal sealed class Readers
{
    private readonly HashSet<int>[] _nodes;
    private readonly int[] _lastWhole;

    private Readers(int nodes)
    {
        _nodes = [.. Enumerable.Range(0, nodes).Select(_ => new HashSet<int>())];
        _lastWhole = [.. Enumerable.Repeat(-1, nodes)];
    }

    /// <summary>The readers of every node in some families.</summary>
    public static Readers Of(PlanContext plan, Slices slices, IReadOnlyList<VariantGroup> families)
    {
        Readers readers = new(plan.NodeCount);
        foreach (VariantGroup family in families)
        {
            for (int node = 2; node < plan.NodeCount; node++)
            {
                if (slices.Before.Any(family.Index, node))
                {
                    Definition definition = family.DefinitionOf(plan.Nodes[node - 2]);
                    if (definition.Piecewise is { } piecewise)
                        foreach (string input in piecewise.Own.Concat(piecewise.History.Select(read => read.Node)))
                            readers._nodes[plan.Index(input)].Add(node);
                    else
                        foreach (NodeInput input in definition.Inputs)
                            readers._nodes[plan.Index(input.Node)].Add(node);
                }
                if (slices.Writes.TryGetValue((family.Index, node), out WrittenNode? written))
                {
                    readers.UseWhole(node, node);
                    foreach (WriteStep step in written.Steps)
                        foreach (BoundSite donor in step.Write.Reads.OtherSites())
                            readers.UseWhole(plan.Index(donor.Names(family.Point).Single()), node);
                }
            }
        }
        foreach (KeptItem item in KeptItem.Of(plan, families))
            foreach (int read in item.Reads)
                readers.UseWhole(read, item.Node);
        if (families.Any(plan.IsDifferentiated))
            foreach (int node in plan.Differentiated.Concat(plan.Pulled.Values.SelectMany(pulled => pulled.Inputs).Select(plan.Index)))
                readers.UseWhole(node, int.MaxValue);
        return readers;
    }

    /// <summary>The only node that reads a node, if nobody else needs its value.</summary>
    public int? OnlyReader(int node) => _lastWhole[node] < 0 && _nodes[node].Count == 1 ? _nodes[node].Single() : null;

    /// <summary>The last node at which a node's rows are needed; itself if nobody reads them.</summary>
    /// <param name="node">The node.</param>
    /// <param name="computedAt">By node, when it is computed.</param>
    public int LastUse(int node, int[] computedAt) => Math.Max(_nodes[node].Select(reader => computedAt[reader]).DefaultIfEmpty(node).Max(), Math.Max(node, _lastWhole[node]));

    private void UseWhole(int node, int at) => _lastWhole[node] = Math.Max(_lastWhole[node], at);
}
