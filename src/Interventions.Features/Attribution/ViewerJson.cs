using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Interventions.Features;

/// <summary>
/// Attribution graphs as the public viewer reads them. Ids of nodes are layer, number and position; an error's number is −1, so that no
/// feature has its id.
/// </summary>
internal static class ViewerJson
{
    /// <summary>The file that lists the graphs of a folder.</summary>
    public const string ListName = "graph-metadata.json";

    private static readonly JsonWriterOptions s_options =
        new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string Write(PrunedGraph graph, string slug)
    {
        Check(slug);
        Dictionary<AttributionNode, string> ids = graph.Nodes.ToDictionary(node => node, node => IdOf(node, graph.Whole.Layers));
        return Text(json =>
        {
            json.WriteStartObject();
            json.WritePropertyName("metadata");
            Metadata(json, graph, slug);
            json.WriteStartObject("qParams");
            foreach (string list in new[] { "pinnedIds", "supernodes" })
            {
                json.WriteStartArray(list);
                json.WriteEndArray();
            }
            json.WriteString("linkType", "both");
            json.WriteString("clickedId", "");
            json.WriteString("sg_pos", "");
            json.WriteEndObject();
            json.WriteStartArray("nodes");
            foreach ((AttributionNode node, double influence) in graph.Nodes.Zip(graph.CumulativeInfluences))
                Node(json, graph.Whole, node, ids[node], influence);
            json.WriteEndArray();
            json.WriteStartArray("links");
            foreach (AttributionEdge edge in graph.Edges)
            {
                json.WriteStartObject();
                json.WriteString("source", ids[edge.Source]);
                json.WriteString("target", ids[edge.Target]);
                json.WriteNumber("weight", edge.Weight);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        });
    }

    /// <summary>The list of a folder's graphs with one more, or with another one of the same name.</summary>
    /// <exception cref="InterventionException">The list that is there is none.</exception>
    public static string Listed(PrunedGraph graph, string slug, string? list, string path)
    {
        JsonNode own = JsonNode.Parse(Text(json => Metadata(json, graph, slug)))!;
        JsonArray graphs;
        try
        {
            graphs = list is null ? new JsonArray() : JsonNode.Parse(list)!["graphs"]!.AsArray();
            foreach (JsonNode? same in graphs.Where(one => (string?)one!["slug"] == slug).ToArray())
                graphs.Remove(same);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or NullReferenceException)
        {
            throw new InterventionException($"'{path}' is no list of graphs, to which this one could be added.", error);
        }
        graphs.Add(own);
        JsonObject whole = new() { ["graphs"] = graphs.Parent is null ? graphs : graphs.DeepClone() };
        return Text(json => whole.WriteTo(json));
    }

    private static void Metadata(Utf8JsonWriter json, PrunedGraph graph, string slug)
    {
        json.WriteStartObject();
        json.WriteString("slug", slug);
        json.WriteString("scan", graph.Whole.TranscoderName ?? "custom-transcoders");
        json.WriteStartArray("transcoder_list");
        json.WriteEndArray();
        json.WriteStartArray("prompt_tokens");
        foreach (string text in graph.Whole.TokenTexts)
            json.WriteStringValue(Shown(text));
        json.WriteEndArray();
        json.WriteString("prompt", string.Concat(graph.Whole.TokenTexts));
        json.WriteNumber("node_threshold", graph.Shares.Nodes);
        json.WriteNumber("schema_version", 1);
        json.WriteEndObject();
    }

    private static void Node(Utf8JsonWriter json, AttributionGraph graph, AttributionNode node, string id, double influence)
    {
        bool isLogit = node.Kind == AttributionNodeKind.Logit, isFeature = node.Kind == AttributionNodeKind.Feature;
        string position = node.Position.ToString(CultureInfo.InvariantCulture);
        json.WriteStartObject();
        json.WriteString("node_id", id);
        json.WriteNumber("feature", node.Kind switch
        {
            AttributionNodeKind.Feature => Paired(node.Layer, node.Index),
            AttributionNodeKind.Token => node.Position,
            _ => node.Index,
        });
        json.WriteString("layer", LayerOf(node, graph.Layers));
        json.WriteNumber("ctx_idx", node.Position);
        json.WriteString("feature_type", node.Kind switch
        {
            AttributionNodeKind.Feature => "cross layer transcoder",
            AttributionNodeKind.Error => "mlp reconstruction error",
            AttributionNodeKind.Token => "embedding",
            _ => "logit",
        });
        json.WriteNumber("token_prob", node.Probability);
        json.WriteBoolean("is_target_logit", isLogit && ReferenceEquals(node, graph.Nodes[graph.SourceCount]));
        json.WriteNumber("run_idx", 0);
        json.WriteNumber("reverse_ctx_idx", 0);
        // One and the same feature at all positions has one name, by which the viewer finds it.
        json.WriteString("jsNodeId", isFeature ? $"{id[..id.LastIndexOf('_')]}-0" : $"{id[..id.LastIndexOf('_')]}-{position}");
        json.WriteString("clerp", isLogit
            ? string.Create(CultureInfo.InvariantCulture, $"Output \"{Shown(node.Text)}\" (p={node.Probability:0.000})") : "");
        if (isLogit)
            json.WriteNull("influence");
        else
            json.WriteNumber("influence", influence);
        if (isFeature)
            json.WriteNumber("activation", node.Activation);
        else
            json.WriteNull("activation");
        json.WriteEndObject();
    }

    private static string IdOf(AttributionNode node, int layers) => string.Create(
        CultureInfo.InvariantCulture,
        $"{LayerOf(node, layers)}_{(node.Against is { } other ? $"{node.Index}-{other}" : $"{node.Index}")}_{node.Position}");

    private static string LayerOf(AttributionNode node, int layers) => node.Kind switch
    {
        AttributionNodeKind.Token => "E",
        AttributionNodeKind.Logit => (layers + 1).ToString(CultureInfo.InvariantCulture),
        _ => node.Layer.ToString(CultureInfo.InvariantCulture),
    };

    /// <summary>One number for a layer and a feature (Cantor's pairing), which the viewer asks for.</summary>
    private static long Paired(long layer, long feature) => checked(((layer + feature) * (layer + feature + 1) / 2) + feature);

    private static string Shown(string token) => token.Replace('\n', '⏎').Replace('\t', '→').Replace('\r', '↵');

    private static void Check(string slug)
    {
        ArgumentException.ThrowIfNullOrEmpty(slug);
        if (!slug.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' or '.') || slug[0] == '.')
            throw new ArgumentException(
                $"'{slug}' is no name of a graph: it is part of an address, so it has letters, digits, '-', '_' and '.'.", nameof(slug));
    }

    private static string Text(Action<Utf8JsonWriter> write)
    {
        ArrayBufferWriter<byte> bytes = new();
        using (Utf8JsonWriter json = new(bytes, s_options))
            write(json);
        return Encoding.UTF8.GetString(bytes.WrittenSpan);
    }
}
