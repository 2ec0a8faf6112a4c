using System.Collections.Immutable;
using Interventions.Binding;
using Interventions.ModelGraphs;

namespace Interventions.Planning;

/// <summary>
/// A site beside the ordinary path of which only the gradient is wanted: it is pulled back from the gradient of the node that would read the site, so that nobody takes the detour.
/// </summary>
/// <param name="Site">The site.</param>
/// <param name="Node">The node whose detour goes through it.</param>
/// <param name="Inputs">The inputs of the detour.</param>
/// <param name="Pullback">The gradient of the site from the node's.</param>
internal sealed record PulledSite(string Site, string Node, ImmutableArray<string> Inputs, Pullback Pullback)
{
    /// <summary>
    /// The sites that are differentiated and can be pulled back: everything that the detour would go round is as the model has it, and nobody asks for its gradient, which would not be the same on both ways.
    /// And no metric and no write reads the site itself: what it adds to the gradient does not come through the node.
    /// </summary>
    public static IEnumerable<PulledSite> Of(ModelGraph graph, NodeShapes shapes, BoundIntervention intervention, IReadOnlyList<SweepPoint> points)
    {
        HashSet<string> differentiated = VariantGrouping.Differentiated(intervention, points), written = [.. points.SelectMany(point => intervention.Writes.SelectMany(write => write.Site.Names(point)))];
        if (differentiated.Count == 0)
            yield break;
        HashSet<string> read =
        [
            .. points.SelectMany(point => intervention.Metrics.SelectMany(metric => metric.Reads).Concat(intervention.Writes.SelectMany(write => write.Reads))
                .OfType<BoundRead.Of>().SelectMany(of => of.Site.Names(point))),
        ];
        ILookup<string, (ModelNode Node, Detour Detour)> detours = graph.Nodes.SelectMany(node => node.Detours.Select(detour => (Node: node, Detour: detour))).ToLookup(pair => pair.Detour.Through);
        foreach (string site in differentiated)
        {
            // A detour that gives its node another shape has gradients that the ordinary path adds up.
            if (written.Contains(site) || read.Contains(site) || detours[site].ToArray() is not [({ } node, { Pullback: { } pullback } detour)] || shapes.Reshaped(detour.Definition) is not null
                || detour.Definition.LooksBeyond || detour.Definition.Inputs.Select(input => input.Node).Append(node.Name).Any(name => shapes[name].IsPair))
                continue;
            HashSet<string> around = GoneRound(graph, node, graph[site]);
            if (!written.Contains(node.Name) && node.Detours.Length == 1
                && !around.SelectMany(name => graph[name].Detours.Select(other => other.Through).Append(name)).Any(name => written.Contains(name) || differentiated.Contains(name)))
                yield return new PulledSite(site, node.Name, [.. detour.Definition.Inputs.Select(input => input.Node)], pullback);
        }
    }

    /// <summary>Nodes on the ordinary way to a node, as far as what the site itself reads.</summary>
    private static HashSet<string> GoneRound(ModelGraph graph, ModelNode node, ModelNode site)
    {
        HashSet<string> ends = [ModelGraph.Tokens, ModelGraph.Positions, .. site.Definition.Inputs.Select(input => input.Node)], around = [];
        Queue<ModelNode> next = new([node]);
        while (next.TryDequeue(out ModelNode? at))
            foreach (NodeInput input in at.Definition.Inputs)
                if (!ends.Contains(input.Node) && around.Add(input.Node))
                    next.Enqueue(graph[input.Node]);
        return around;
    }
}
