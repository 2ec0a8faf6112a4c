using System.Text.Json;
using Interventions.Files;
using Interventions.ModelGraphs;

namespace Interventions.Circuits;

/// <summary>
/// Scores and a circuit as the circuit track of the MIB benchmark (arXiv:2504.13151) has them in JSON: <c>cfg</c> (sizes), <c>nodes</c> and
/// <c>edges</c> by name, each with <c>in_graph</c>, edges with a <c>score</c>. There <c>input</c> is the embedding, <c>a0.h1&lt;q&gt;</c> a
/// head's port, and high scores come first.
/// </summary>
/// <param name="Scores">The scores: one number an edge.</param>
/// <param name="Circuit">The edges that are in the graph.</param>
public sealed record MibFile(EdgeScores Scores, Circuit Circuit)
{
    private const string Input = "input";

    /// <summary>Writes means over prompts, and a circuit.</summary>
    /// <param name="path">The file. It appears under its name only when it is complete.</param>
    /// <param name="model">The model; the file says its width.</param>
    /// <param name="scores">The scores.</param>
    /// <param name="circuit">The circuit; all edges unless it is given.</param>
    /// <param name="ranking">
    /// Which scores come first there: <see cref="Ranking.MostNegative"/> (of a metric that is better the larger it is; the scores'
    /// negatives are written), or <see cref="Ranking.MostPositive"/>.
    /// </param>
    /// <exception cref="ArgumentException">The ranking has no sign, or something is of another model.</exception>
    public static void Write(
        string path, HookedModel model, EdgeScores scores, Circuit? circuit = null, Ranking ranking = Ranking.MostNegative)
    {
        ArgumentNullException.ThrowIfNull(scores);
        int sign = Sign(ranking);
        CircuitGraph graph = CircuitGraph.Of(model);
        circuit ??= Circuit.All(graph);
        if (scores.Graph != graph || circuit.Graph != graph)
            throw new ArgumentException(
                $"{model.Schema.Model} has {graph}; the scores or the circuit are of another model.", nameof(scores));
        HashSet<Component> joined = [.. circuit.Components];
        CompleteFile.Replace(path, stream =>
        {
            using Utf8JsonWriter json = new(stream);
            json.WriteStartObject();
            json.WriteStartObject("cfg");
            json.WriteNumber("n_layers", graph.Layers);
            json.WriteNumber("n_heads", graph.Heads);
            json.WriteBoolean("parallel_attn_mlp", graph.IsParallel);
            json.WriteNumber("d_model", model.Schema.SizeOf("d_model")!.Value);
            json.WriteEndObject();
            json.WriteStartObject("nodes");
            foreach (Component node in graph.Sources.Append(Component.Logits))
            {
                json.WriteStartObject(NameOf(node));
                json.WriteBoolean("in_graph", joined.Contains(node));
                json.WriteEndObject();
            }
            json.WriteEndObject();
            json.WriteStartObject("edges");
            foreach ((int i, Edge edge) in graph.Edges.Index())
            {
                json.WriteStartObject(NameOf(edge));
                json.WriteNumber("score", sign * scores.Means[i]);
                json.WriteBoolean("in_graph", circuit.Contains(edge));
                json.WriteEndObject();
            }
            json.WriteEndObject();
            json.WriteEndObject();
        });
    }

    /// <summary>Reads a file of the benchmark.</summary>
    /// <param name="path">The file. It may have more than is needed, such as scores of nodes.</param>
    /// <param name="ranking">Which of our scores come first where high ones do there, see <see cref="Write"/>.</param>
    /// <exception cref="InterventionException">It is no such file, or lacks the score of an edge.</exception>
    /// <exception cref="ArgumentException">The ranking has no sign.</exception>
    public static MibFile Read(string path, Ranking ranking = Ranking.MostNegative)
    {
        int sign = Sign(ranking);
        try
        {
            using JsonDocument json = FileText.ParseJson(File.ReadAllBytes(path));
            JsonElement sizes = Part("cfg"), edges = Part("edges");
            bool hasMlps = Part("nodes").TryGetProperty(NameOf(Component.OfMlp(0)), out _);
            CircuitGraph graph = new(
                sizes.GetProperty("n_layers").GetInt32(), sizes.GetProperty("n_heads").GetInt32(), hasMlps,
                hasMlps && sizes.GetProperty("parallel_attn_mlp").GetBoolean());
            List<double> scores = [];
            List<Edge> inGraph = [];
            foreach (Edge edge in graph.Edges)
            {
                if (!edges.TryGetProperty(NameOf(edge), out JsonElement found))
                    throw new InterventionException($"'{path}' lacks the edge '{NameOf(edge)}' of {graph}.");
                scores.Add(sign * found.GetProperty("score").GetDouble());
                if (found.GetProperty("in_graph").GetBoolean())
                    inGraph.Add(edge);
            }
            if (edges.EnumerateObject().Count() is int count && count != graph.EdgeCount)
                throw new InterventionException($"'{path}' has {count} edges, and {graph} have {graph.EdgeCount}.");
            return new MibFile(new EdgeScores(graph, [scores]), new Circuit(graph, inGraph));

            JsonElement Part(string name) => json.RootElement.TryGetProperty(name, out JsonElement part)
                ? part
                : throw new FormatException($"it has no '{name}'.");
        }
        catch (Exception wrong) when (wrong is JsonException or KeyNotFoundException or InvalidOperationException or FormatException
            or ArgumentException)
        {
            throw new InterventionException($"'{path}' holds no scores of the MIB benchmark: {wrong.Message}", wrong);
        }
    }

    private static string NameOf(Component component) => component == Component.Embed ? Input : $"{component}";

    private static string NameOf(Edge edge) =>
        $"{NameOf(edge.Source)}->{NameOf(edge.Target.Component)}" + (edge.Target.Input == PortInput.All ? "" : $"<{$"{edge.Target}"[^1]}>");

    private static int Sign(Ranking ranking) => ranking switch
    {
        Ranking.MostNegative => -1,
        Ranking.MostPositive => 1,
        _ => throw new ArgumentException("High scores come first in a file of the benchmark: say which sign has them.", nameof(ranking)),
    };
}
