using System.Collections.Immutable;
using Interventions.ModelGraphs;

namespace Interventions.Tracing;

/// <summary>What a trace does at each node, from the first to the last that it offers.</summary>
/// <param name="Steps">The nodes, in their order.</param>
internal sealed record TraceSchedule(ImmutableArray<TraceStep> Steps)
{
    /// <summary>
    /// The steps up to the last offered site. What lies on the ordinary path is computed when its turn comes; a site beside it (a port, a head's result, a norm's scale) when somebody
    /// looks at it, or when a detour leads through it. A value is held as long as anything may still read it, detours included.
    /// </summary>
    /// <param name="graph">The forward pass.</param>
    /// <param name="offered">By node, the site that is offered.</param>
    public static TraceSchedule Of(ModelGraph graph, IReadOnlyDictionary<string, TracedName> offered)
    {
        HashSet<string> ordinary = Needed(graph, [graph.Output]), needed = Needed(graph, [.. offered.Keys]);
        bool[] computed = [.. graph.Nodes.Select(node => ordinary.Contains(node.Name) && needed.Contains(node.Name))];
        Dictionary<string, int> last = [];
        for (int i = graph.Nodes.Length - 1; i >= 0; i--)
        {
            ModelNode node = graph.Nodes[i];
            // What is not computed in its turn may be computed as late as its own last reader.
            int reads = computed[i] ? i : last.GetValueOrDefault(node.Name, i);
            foreach (NodeInput input in node.Detours.Select(detour => detour.Definition).Prepend(node.Definition).SelectMany(definition => definition.Inputs))
                last[input.Node] = Math.Max(last.GetValueOrDefault(input.Node), reads);
            last.TryAdd(node.Name, i);
        }
        ILookup<int, string> freed = last.ToLookup(pair => pair.Value, pair => pair.Key);
        int end = graph.Nodes.Select((node, i) => offered.ContainsKey(node.Name) ? i : -1).Max();
        return new([.. graph.Nodes.Take(end + 1).Select((node, i) => new TraceStep(node, computed[i], offered.GetValueOrDefault(node.Name), [.. freed[i]]))]);
    }

    /// <summary>The step that offers a site; −1 if none does.</summary>
    /// <param name="node">Its concrete path.</param>
    public int PlaceOf(string node)
    {
        for (int i = 0; i < Steps.Length; i++)
            if (Steps[i].Offered?.Node == node)
                return i;
        return -1;
    }

    private static HashSet<string> Needed(ModelGraph graph, HashSet<string> wanted) =>
        [.. NodeOrder.Of(graph, wanted, new HashSet<string>()).Steps.Select(step => step.Node.Name)];
}

/// <summary>One node's turn.</summary>
/// <param name="Node">The node.</param>
/// <param name="IsComputed">Whether it is computed in its turn, whoever looks at it.</param>
/// <param name="Offered">The site that is offered; <see langword="null"/> for a node that nobody asked for.</param>
/// <param name="Freed">The values that nothing reads from then on.</param>
internal sealed record TraceStep(ModelNode Node, bool IsComputed, TracedName? Offered, ImmutableArray<string> Freed);
