using System.Globalization;
using System.Text.Json;
using System.Xml.Linq;
using Interventions.Models.Decoder;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features.Tests.Attribution;

/// <summary>Influence, what is left after pruning, and how graphs are shown.</summary>
public sealed class PrunedGraphTests
{
    private static readonly XNamespace s_svg = "http://www.w3.org/2000/svg";

    /// <summary>Influence is the sum over all powers of the matrix of shares, from the logits' probabilities on.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Influence_is_the_sum_of_powers_of_the_matrix_of_shares(int seed)
    {
        using DisposeScope scope = NewDisposeScope();
        AttributionGraph graph = Random(seed);
        Tensor shares = Matrix(graph).abs();
        shares = shares / shares.sum(-1, keepdim: true).clamp_min(1e-10);
        Tensor step = Probabilities(graph).matmul(shares), sum = step;
        for (int power = 0; power < 8; power++)
            sum = sum + (step = step.matmul(shares));
        Assert.All(sum.data<double>().ToArray().Zip(graph.Influences), pair => Assert.Equal(pair.First, pair.Second, 1e-12));
        double tokens = Of(AttributionNodeKind.Token), errors = Of(AttributionNodeKind.Error);
        Assert.Equal(tokens / (tokens + errors), graph.ReplacementScore, 1e-12);
        Assert.InRange(graph.CompletenessScore, 0, 1);

        double Of(AttributionNodeKind kind) =>
            graph.Nodes.Zip(graph.Influences).Where(pair => pair.First.Kind == kind).Sum(pair => pair.Second);
    }

    /// <summary>By the rules, written down again with matrices.</summary>
    [Theory]
    [InlineData(1, 0.8, 0.98)]
    [InlineData(2, 0.5, 0.9)]
    [InlineData(3, 0.3, 0.5)]
    [InlineData(4, 0.95, 0.7)]
    [InlineData(5, 1, 1)]
    public void Pruning_keeps_what_the_rules_say(int seed, double nodes, double edges)
    {
        using DisposeScope scope = NewDisposeScope();
        AttributionGraph graph = Random(seed);
        (bool[] keeps, bool[,] keepsEdge) = ByRules(graph, nodes, edges);
        PrunedGraph pruned = graph.Prune(nodes, edges);
        Assert.Equal(graph.Nodes.Where((_, i) => keeps[i]), pruned.Nodes);
        HashSet<(AttributionNode, AttributionNode)> kept = [.. pruned.Edges.Select(edge => (edge.Source, edge.Target))];
        for (int target = 0; target < graph.Nodes.Length; target++)
            for (int source = 0; source < graph.Nodes.Length; source++)
                Assert.Equal(keepsEdge[target, source], kept.Contains((graph.Nodes[source], graph.Nodes[target])));
        Assert.All(pruned.Edges, edge => Assert.Equal(graph[edge.Source, edge.Target], edge.Weight));
        Assert.True(nodes == 1 || pruned.Nodes.Length < graph.Nodes.Length);
    }

    [Fact]
    public void Shares_that_are_none_are_refused()
    {
        using DisposeScope scope = NewDisposeScope();
        AttributionGraph graph = Random(1);
        Assert.Throws<ArgumentOutOfRangeException>(() => graph.Prune(nodes: 1.5));
        Assert.Throws<ArgumentOutOfRangeException>(() => graph.Prune(edges: double.NaN));
        Assert.Throws<ArgumentException>(() => graph.Prune().ToJson("two words"));
        Assert.Throws<ArgumentException>(() => graph[new AttributionNode(AttributionNodeKind.Token, -1, 99, 0), graph.Nodes[0]]);
    }

    /// <summary>The format of the public viewer: its fields, ids of their own, and links between them.</summary>
    [Fact]
    public void The_viewers_json_names_every_node_once()
    {
        PrunedGraph pruned = OfModel();
        using JsonDocument json = JsonDocument.Parse(pruned.ToJson("a-graph"));
        JsonElement root = json.RootElement;
        Assert.Equal(["metadata", "qParams", "nodes", "links"], root.EnumerateObject().Select(property => property.Name));
        JsonElement metadata = root.GetProperty("metadata");
        Assert.Equal(("a-graph", "random"), (metadata.GetProperty("slug").GetString(), metadata.GetProperty("scan").GetString()));
        Assert.Equal(6, metadata.GetProperty("prompt_tokens").GetArrayLength());
        Assert.Equal(0.8, metadata.GetProperty("node_threshold").GetDouble());
        JsonElement[] nodes = [.. root.GetProperty("nodes").EnumerateArray()], links = [.. root.GetProperty("links").EnumerateArray()];
        string[] ids = [.. nodes.Select(node => node.GetProperty("node_id").GetString()!)];
        Assert.Equal(ids.Length, ids.Distinct().Count());
        Assert.Equal(pruned.Nodes.Length, ids.Length);
        Assert.Equal(pruned.Edges.Length, links.Length);
        Dictionary<string, AttributionNode> byId = ids.Zip(pruned.Nodes).ToDictionary(pair => pair.First, pair => pair.Second);
        Assert.All(links, link => Assert.Equal(
            pruned.Whole[byId[link.GetProperty("source").GetString()!], byId[link.GetProperty("target").GetString()!]],
            link.GetProperty("weight").GetDouble()));
        foreach ((JsonElement node, AttributionNode own) in nodes.Zip(pruned.Nodes))
        {
            Assert.Equal(own.Position, node.GetProperty("ctx_idx").GetInt32());
            (string type, string layer) = (node.GetProperty("feature_type").GetString()!, node.GetProperty("layer").GetString()!);
            Assert.Equal(own.Kind switch
            {
                AttributionNodeKind.Feature => ("cross layer transcoder", $"{own.Layer}"),
                AttributionNodeKind.Error => ("mlp reconstruction error", $"{own.Layer}"),
                AttributionNodeKind.Token => ("embedding", "E"),
                _ => ("logit", "4"),
            }, (type, layer));
            if (own.Kind == AttributionNodeKind.Feature)
            {
                Assert.Equal($"{own.Layer}_{own.Index}_{own.Position}", node.GetProperty("node_id").GetString());
                Assert.Equal(own.Activation, node.GetProperty("activation").GetDouble());
                long sum = own.Layer + own.Index;
                Assert.Equal((sum * (sum + 1) / 2) + own.Index, node.GetProperty("feature").GetInt64());
            }
        }
        Assert.Single(nodes, node => node.GetProperty("is_target_logit").GetBoolean());
        Assert.Contains(nodes, node => node.GetProperty("clerp").GetString()!.StartsWith("Output \"", StringComparison.Ordinal));
    }

    [Fact]
    public void A_folder_lists_its_graphs_once()
    {
        PrunedGraph pruned = OfModel();
        using TemporaryFolder folder = new();
        foreach (string slug in new[] { "one", "two", "one" })
            pruned.Save(folder.Path, slug);
        using JsonDocument list = JsonDocument.Parse(File.ReadAllText(folder["graph-metadata.json"]));
        Assert.Equal(
            ["two", "one"], list.RootElement.GetProperty("graphs").EnumerateArray().Select(graph => graph.GetProperty("slug").GetString()));
        Assert.Equal(pruned.ToJson("two"), File.ReadAllText(folder["two.json"]));
        File.WriteAllText(folder["graph-metadata.json"], "[]");
        Assert.Contains("no list of graphs", Assert.Throws<InterventionException>(() => pruned.Save(folder.Path, "one")).Message,
            StringComparison.Ordinal);
    }

    /// <summary>Every node and edge is drawn, once; nodes lie apart, in the picture, and higher the later they are computed.</summary>
    [Theory]
    [InlineData(0.8, 0.98)]
    [InlineData(1, 1)]
    public void Every_node_and_edge_is_drawn(double nodes, double edges)
    {
        PrunedGraph pruned = OfModel(nodes, edges);
        XElement picture = XDocument.Parse(pruned.ToSvg()).Root!;
        double width = Number(picture.Attribute("width")!.Value), height = Number(picture.Attribute("height")!.Value);
        ILookup<string, XElement> paths = picture.Elements(s_svg + "path").ToLookup(path => path.Attribute("class")!.Value);
        string Title(XElement path) => path.Element(s_svg + "title")!.Value;
        Assert.Equal(pruned.Edges.Select(edge => $"{edge}").Order(), paths["edge"].Select(Title).Order());
        Assert.Equal(
            pruned.Nodes.Select(node => node.Name).Order(), paths["node"].Select(path => Title(path).Split(" \"")[0]).Order());
        Assert.All(paths["edge"], path => Assert.Equal(
            Title(path).Contains(": -", StringComparison.Ordinal) ? "#b2182b" : "#2166ac", path.Attribute("stroke")!.Value));
        GraphPlaces places = new(pruned);
        (double X, double Y)[] all = [.. pruned.Nodes.Select(places.Of)];
        Assert.All(all, place => Assert.True(place.X > 8 && place.X < width - 8 && place.Y > 8 && place.Y < height - 8));
        Assert.Equal(all.Length, all.Distinct().Count());
        Assert.All(pruned.Edges, edge => Assert.True(places.Of(edge.Source).Y > places.Of(edge.Target).Y));
    }

    [Fact]
    public void Tables_are_narrow_and_say_what_they_leave_out()
    {
        PrunedGraph pruned = OfModel();
        foreach (string text in new[] { $"{pruned}", $"{pruned.Whole}" })
            Assert.All(text.Split('\n'), line => Assert.True(line.Length <= 80, line));
        Assert.Contains("… and", $"{pruned.Whole}", StringComparison.Ordinal);
        using TemporaryFolder folder = new();
        pruned.Whole.SaveCsv(folder["edges.csv"]);
        Assert.Equal(
            1 + pruned.Whole.Terms.Sum(terms => pruned.Whole.InputsOf(terms.Target).Count), File.ReadAllLines(folder["edges.csv"]).Length);
        Assert.Contains($"{pruned.Edges.MaxBy(edge => Math.Abs(edge.Weight))!.Source}", $"{pruned}", StringComparison.Ordinal);
    }

    private static PrunedGraph OfModel(double nodes = 0.8, double edges = 0.98)
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = SmallDecoders.Model("gpt2");
        using TranscoderSet set = RandomSets.Transcoders(model);
        return AttributionGraph.Of(model, set, [7, 31, 2, 55, 7, 19], new() { MostFeatures = 60 }).Prune(nodes, edges);
    }

    /// <summary>A graph of random effects: of three layers, two tokens, features, and two logits.</summary>
    private static AttributionGraph Random(int seed)
    {
        Random random = new(seed);
        const int layers = 3, tokens = 2, each = 4;
        AttributionNode[] features = [.. Enumerable.Range(0, layers * each).Select(
            i => new AttributionNode(AttributionNodeKind.Feature, i / each, i % each / 2, i % 2) { Activation = 1 })];
        AttributionNode[] errors = [.. Enumerable.Range(0, layers * tokens).Select(
            i => new AttributionNode(AttributionNodeKind.Error, i / tokens, i % tokens, -1))];
        AttributionNode[] embeddings = [.. Enumerable.Range(0, tokens).Select(
            i => new AttributionNode(AttributionNodeKind.Token, -1, i, i))];
        AttributionNode[] logits = [.. new[] { 0.6, 0.3 }.Select(
            (probability, i) => new AttributionNode(AttributionNodeKind.Logit, layers, tokens - 1, i) { Probability = probability })];
        AttributionNode[] sources = [.. features, .. errors, .. embeddings], targets = [.. features, .. logits];
        double[][] effects = [.. targets.Select(target => sources.Select(source =>
            source.Layer < target.Layer && source.Position <= target.Position && random.NextDouble() < 0.7
                ? (random.NextDouble() - 0.5) * Math.Exp(3 * random.NextDouble()) : 0).ToArray())];
        return new AttributionGraph(
            [.. sources, .. logits], features.Length, effects,
            [.. targets.Select((target, row) => new TargetTerms(target, effects[row].Sum(), effects[row].Sum(), 0, 0))])
        {
            ActiveFeatures = features.Length,
            Tokens = [0, 1],
            TokenTexts = ["a", "b"],
            Layers = layers,
        };
    }

    private static Tensor Matrix(AttributionGraph graph)
    {
        int count = graph.Nodes.Length;
        double[] values = [.. graph.Nodes.SelectMany(target => graph.Nodes.Select(source => graph[source, target]))];
        return tensor(values).view(count, count);
    }

    private static Tensor Probabilities(AttributionGraph graph) => tensor(graph.Nodes.Select(node => node.Probability).ToArray());

    private static (bool[] Keeps, bool[,] KeepsEdge) ByRules(AttributionGraph graph, double nodes, double edges)
    {
        int count = graph.Nodes.Length;
        Tensor matrix = Matrix(graph);
        double[] influence = Influence(matrix);
        double least = Least(influence, nodes);
        bool[] keeps = [.. graph.Nodes.Select((node, i) =>
            influence[i] >= least || node.Kind is AttributionNodeKind.Token or AttributionNodeKind.Logit)];
        Tensor mask = tensor(keeps).to(ScalarType.Float64), left = matrix * mask.unsqueeze(0) * mask.unsqueeze(1);
        double[] weights = [.. Influence(left).Zip(graph.Nodes, (own, node) => own + node.Probability)];
        double[] scores = (Shares(left) * tensor(weights).unsqueeze(1)).flatten().data<double>().ToArray();
        double leastEdge = Least(scores, edges);
        bool[,] keepsEdge = new bool[count, count];
        for (int target = 0; target < count; target++)
            for (int source = 0; source < count; source++)
                keepsEdge[target, source] = scores[(target * count) + source] is > 0 and var score && score >= leastEdge;
        for (bool changed = true; changed;)
        {
            changed = false;
            for (int i = 0; i < count; i++)
            {
                AttributionNodeKind kind = graph.Nodes[i].Kind;
                bool isFeature = kind == AttributionNodeKind.Feature, needsOutput = isFeature || kind == AttributionNodeKind.Error;
                bool isDead = keeps[i] && ((needsOutput && !Enumerable.Range(0, count).Any(target => keepsEdge[target, i]))
                    || (isFeature && !Enumerable.Range(0, count).Any(source => keepsEdge[i, source])));
                if (!isDead)
                    continue;
                (keeps[i], changed) = (false, true);
                for (int other = 0; other < count; other++)
                    keepsEdge[i, other] = keepsEdge[other, i] = false;
            }
        }
        return (keeps, keepsEdge);

        static Tensor Shares(Tensor matrix) => matrix.abs() / matrix.abs().sum(-1, keepdim: true).clamp_min(1e-10);

        double[] Influence(Tensor of)
        {
            Tensor shares = Shares(of), step = Probabilities(graph).matmul(shares), sum = step;
            for (int power = 0; power < 8; power++)
                sum = sum + (step = step.matmul(shares));
            return sum.data<double>().ToArray();
        }

        static double Least(double[] values, double share)
        {
            double[] sorted = [.. values.Where(value => value > 0).OrderDescending()];
            double sum = 0;
            return sorted.First(value => (sum += value) / sorted.Sum() >= share - 1e-12);
        }
    }

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
