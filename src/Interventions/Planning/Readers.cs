using Interventions.Binding;
using Interventions.ModelGraphs;

namespace Interventions.Planning;

/// <summary>Who reads a node: other nodes' definitions, and whoever needs the whole value as it is (a write, what is kept).</summary>
internal sealed class Readers
{
    private readonly HashSet<NodeId>[] _nodes;
    private readonly NodeId[] _lastWhole;

    private Readers(int nodes)
    {
        _nodes = [.. Enumerable.Range(0, nodes).Select(_ => new HashSet<NodeId>())];
        _lastWhole = [.. Enumerable.Repeat(NodeId.BeforeAll, nodes)];
    }

    /// <summary>The readers of every node in some groups.</summary>
    public static Readers Of(Expansion plan, Slices slices, IReadOnlyList<VariantGroup> groups)
    {
        Readers readers = new(plan.NodeCount);
        foreach (VariantGroup group in groups)
        {
            foreach (NodeId node in plan.NodeIds.Where(node => !node.IsInput))
            {
                if (slices.Before.Any(group, node))
                {
                    Definition definition = group.DefinitionOf(plan.Node(node));
                    if (definition.Piecewise is { } piecewise)
                        foreach (string input in piecewise.Own.Concat(piecewise.History.Select(read => read.Node)))
                            readers._nodes[plan.Id(input).Index].Add(node);
                    else
                        foreach (NodeInput input in definition.Inputs)
                            readers._nodes[plan.Id(input.Node).Index].Add(node);
                }
                if (slices.Writes.TryGetValue((group.Index, node), out WrittenNode? written))
                {
                    readers.UseWhole(node, node);
                    foreach (WriteStep step in written.Steps)
                        foreach (BoundSite donor in step.Write.Reads.OtherSites())
                            readers.UseWhole(plan.Id(donor.Names(group.Point).Single()), node);
                }
            }
        }
        foreach (KeptItem item in KeptItem.Of(plan, groups))
            foreach (NodeId read in item.Reads)
                readers.UseWhole(read, item.After);
        if (groups.Any(plan.IsDifferentiated))
            foreach (NodeId node in plan.Differentiated.Concat(plan.Pulled.Values.SelectMany(pulled => pulled.Inputs).Select(plan.Id)))
                readers.UseWhole(node, NodeId.AfterAll);
        return readers;
    }

    /// <summary>The only node that reads a node, if nobody else needs its value.</summary>
    public NodeId? OnlyReader(NodeId node) => _lastWhole[node.Index] == NodeId.BeforeAll && _nodes[node.Index].Count == 1 ? _nodes[node.Index].Single() : null;

    /// <summary>The last node at which a node's rows are needed; itself if nobody reads them.</summary>
    /// <param name="node">The node.</param>
    /// <param name="computedAt">By node, when it is computed.</param>
    public NodeId LastUse(NodeId node, NodeId[] computedAt) =>
        _nodes[node.Index].Select(reader => computedAt[reader.Index]).Append(_lastWhole[node.Index]).Aggregate(node, NodeId.Max);

    private void UseWhole(NodeId node, NodeId at) => _lastWhole[node.Index] = NodeId.Max(_lastWhole[node.Index], at);
}
