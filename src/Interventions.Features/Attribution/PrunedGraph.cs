using System.Collections.Immutable;
using System.Text;
using Interventions.Files;
using Interventions.Tables;

namespace Interventions.Features;

/// <summary>The part of an attribution graph that carries the most influence, to look at and to share.</summary>
public sealed class PrunedGraph
{
    private const int Printed = 12;

    internal PrunedGraph(
        AttributionGraph whole, ImmutableArray<AttributionNode> nodes, ImmutableArray<double> order, ImmutableArray<AttributionEdge> edges,
        (double Nodes, double Edges) shares) =>
        (Whole, Nodes, CumulativeInfluences, Edges, Shares) = (whole, nodes, order, edges, shares);

    /// <summary>The graph that it is a part of.</summary>
    public AttributionGraph Whole { get; }

    /// <summary>The nodes, in the order of the whole graph.</summary>
    public ImmutableArray<AttributionNode> Nodes { get; }

    /// <summary>
    /// Of each node the share of all influence that it has together with all nodes of more influence: small for the most influential ones.
    /// </summary>
    public ImmutableArray<double> CumulativeInfluences { get; }

    /// <summary>The edges.</summary>
    public ImmutableArray<AttributionEdge> Edges { get; }

    /// <summary>The shares of influence that nodes and edges were to keep.</summary>
    public (double Nodes, double Edges) Shares { get; }

    /// <summary>
    /// The graph in the format that the viewer of circuit-tracer and Neuronpedia read: <c>metadata</c>, <c>qParams</c>, <c>nodes</c> and
    /// <c>links</c>.
    /// </summary>
    /// <param name="slug">The graph's name in the viewer, without spaces: part of an address.</param>
    /// <exception cref="ArgumentException">The name is none.</exception>
    public string ToJson(string slug) => ViewerJson.Write(this, slug);

    /// <summary>Writes <see cref="ToJson"/> as <c>slug.json</c> into a folder, and lists it in its <c>graph-metadata.json</c>.</summary>
    /// <param name="folder">The folder that the viewer is served from; it is made if it is missing.</param>
    /// <param name="slug">The graph's name.</param>
    /// <exception cref="ArgumentException">The name is none.</exception>
    public void Save(string folder, string slug)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        byte[] graph = Encoding.UTF8.GetBytes(ToJson(slug));
        CompleteFile.Replace(Path.Combine(folder, $"{slug}.json"), stream => stream.Write(graph));
        string list = Path.Combine(folder, ViewerJson.ListName);
        byte[] listed = Encoding.UTF8.GetBytes(ViewerJson.Listed(this, slug, File.Exists(list) ? File.ReadAllText(list) : null, list));
        CompleteFile.Replace(list, stream => stream.Write(listed));
    }

    /// <summary>
    /// A picture that stands alone: tokens from left to right, layers from below, and edges as curves, blue where they add and red where
    /// they take away, as wide as they are strong. Every node and edge has its name and number as a tooltip.
    /// </summary>
    public string ToSvg() => new GraphDrawing(this).Draw();

    /// <summary>The strongest edges: a table of at most 80 columns.</summary>
    public override string ToString()
    {
        AttributionEdge[] strongest = [.. Edges.OrderByDescending(edge => Math.Abs(edge.Weight)).Take(Printed)];
        string[] weights = ShortNumbers.Format([.. strongest.Select(edge => edge.Weight)], isSigned: true);
        TextTable table = new(new("source"), new("token"), new("target"), new("token"), new("effect", IsNumber: true));
        foreach ((AttributionEdge edge, string weight) in strongest.Zip(weights))
            table.Add(
                edge.Source.Name, TextTable.Quote(edge.Source.Text), edge.Target.Name, TextTable.Quote(edge.Target.Text), weight);
        return $"{TextTable.Count(Nodes.Length, "node")} of {Whole.Nodes.Length}, {TextTable.Count(Edges.Length, "edge")}\n{table.Print()}"
            + TextTable.Others(Edges.Length - strongest.Length, "edge");
    }
}
