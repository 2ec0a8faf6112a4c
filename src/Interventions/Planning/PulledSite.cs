using System.Collections.Immutable;
using Interventions.Binding;
using Interventions.ModelGraphs;

namespace Interventions.Planning;

/// <summary>
/// A site beside the ordinary path whose gradient is kept, and which is neither written nor read. Its gradient is computed from the
/// gradient of the node that would read the site, so that the detour through the site is not taken.
/// </summary>
/// <param name="Site">The site.</param>
/// <param name="Node">The node whose detour goes through the site.</param>
/// <param name="Inputs">The inputs of the detour.</param>
/// <param name="Pullback">Computes the site's gradient from the node's.</param>
internal sealed record PulledSite(string Site, string Node, ImmutableArray<string> Inputs, Pullback Pullback);

/// <summary>
/// A site that is read by one detour alone, which is taken. Its gradient is computed from the gradient of the detour's node when it is
/// asked for, so that the gradients of several such sites are not alive together.
/// </summary>
/// <param name="Site">The site.</param>
/// <param name="Node">The node whose detour reads it.</param>
internal sealed record SegmentSite(string Site, string Node);

/// <summary>Which nodes gradients are taken of.</summary>
internal static class Differentiation
{
    /// <summary>The nodes whose gradients are kept at a point of the sweep.</summary>
    public static IEnumerable<string> Differentiated(this BoundIntervention intervention, SweepPoint point) =>
        intervention.Gradients.SelectMany(gradient => gradient.Sites).SelectMany(site => site.Names(point));

    /// <summary>The sites whose gradients go through one detour, and cannot be pulled back without it.</summary>
    /// <param name="request">The declaration and the model.</param>
    /// <param name="points">The points of the sweep.</param>
    /// <param name="pulled">The sites that can be pulled back.</param>
    public static IEnumerable<SegmentSite> Segments(
        PlanRequest request, ImmutableArray<SweepPoint> points, IReadOnlySet<string> pulled)
    {
        (ModelGraph graph, BoundIntervention intervention) = (request.Graph, request.Intervention);
        HashSet<string> written = [.. points.SelectMany(point => intervention.Writes.SelectMany(write => write.Site.Names(point)))];
        HashSet<string> read = ReadInGradients(intervention, points);
        ILookup<string, ModelNode> readers = graph.Nodes
            .SelectMany(node => node.Detours.Select(detour => detour.Definition).Prepend(node.Definition)
                .SelectMany(definition => definition.Inputs).Select(input => input.Node).Distinct().Select(input => (node, input)))
            .ToLookup(pair => pair.input, pair => pair.node);
        foreach (string site in points.SelectMany(intervention.Differentiated).Distinct())
        {
            if (!pulled.Contains(site) && !written.Contains(site) && !read.Contains(site)
                && readers[site].ToArray() is [{ Detours: [{ } detour] } node] && detour.Through == site && !written.Contains(node.Name))
                yield return new SegmentSite(site, node.Name);
        }
    }

    /// <summary>
    /// The sites that can be pulled back. A site qualifies if no node that its detour bypasses is written or differentiated, and if no
    /// metric and no write reads the site: only then does the gradient through the ordinary path equal the one through the detour.
    /// </summary>
    public static IEnumerable<PulledSite> Pulled(PlanRequest request, ImmutableArray<SweepPoint> points)
    {
        (ModelGraph graph, BoundIntervention intervention) = (request.Graph, request.Intervention);
        HashSet<string> differentiated = [.. points.SelectMany(intervention.Differentiated)];
        if (differentiated.Count == 0)
            yield break;
        HashSet<string> written = [.. points.SelectMany(point => intervention.Writes.SelectMany(write => write.Site.Names(point)))];
        HashSet<string> read = ReadInGradients(intervention, points);
        ILookup<string, (ModelNode Node, Detour Detour)> detours = graph.Nodes
            .SelectMany(node => node.Detours.Select(detour => (Node: node, Detour: detour))).ToLookup(pair => pair.Detour.Through);
        foreach (string site in differentiated.Where(site => !written.Contains(site) && !read.Contains(site)))
        {
            if (detours[site].ToArray() is [({ } node, { Pullback: { } pullback } detour)]
                && node.Detours.Length == 1 && !written.Contains(node.Name)
                && HasOrdinaryShapes(request.Shapes, node, detour.Definition)
                && !Bypassed(graph, node, graph[site]).Any(name => written.Contains(name) || differentiated.Contains(name)))
                yield return new PulledSite(site, node.Name, [.. detour.Definition.Inputs.Select(input => input.Node)], pullback);
        }
    }

    /// <summary>
    /// The nodes through which gradients flow beside the forward pass: those that metrics and writes read of their own run.
    /// </summary>
    private static HashSet<string> ReadInGradients(BoundIntervention intervention, ImmutableArray<SweepPoint> points)
    {
        BoundSite[] sites =
        [
            .. intervention.Metrics.SelectMany(metric => metric.Reads).Concat(intervention.Writes.SelectMany(write => write.Reads))
                .OfType<BoundRead.Of>().Select(of => of.Site),
        ];
        return [.. points.SelectMany(point => sites.SelectMany(site => site.Names(point)))];
    }

    /// <summary>
    /// Whether a detour computes rows one by one, of the node's own shape: the ordinary path adds up the gradients of a detour that gives
    /// its node another shape.
    /// </summary>
    private static bool HasOrdinaryShapes(NodeShapes shapes, ModelNode node, Definition detour) =>
        shapes.Reshaped(detour) is null && !detour.LooksBeyond
        && !detour.Inputs.Select(input => input.Node).Append(node.Name).Any(name => shapes[name].IsPair);

    /// <summary>Nodes on the ordinary way to a node that a detour bypasses, and the sites that their own detours go through.</summary>
    private static IEnumerable<string> Bypassed(ModelGraph graph, ModelNode node, ModelNode site)
    {
        HashSet<string> bypassed = [];
        HashSet<string> ends = [ModelGraph.Tokens, ModelGraph.Positions, .. site.Definition.Inputs.Select(input => input.Node)];
        Queue<ModelNode> next = new([node]);
        while (next.TryDequeue(out ModelNode? at))
            foreach (NodeInput input in at.Definition.Inputs)
                if (!ends.Contains(input.Node) && bypassed.Add(input.Node))
                    next.Enqueue(graph[input.Node]);
        return bypassed.SelectMany(name => graph[name].Detours.Select(other => other.Through).Append(name));
    }
}
