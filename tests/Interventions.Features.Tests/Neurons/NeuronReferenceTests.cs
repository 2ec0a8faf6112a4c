using System.Text.Json;

namespace Interventions.Features.Tests.Neurons;

/// <summary>Neuron to Graph, step by step, against the reference.</summary>
public sealed class NeuronReferenceTests
{
    private const string Reference = "reference/features/neurons/neurons.json";

    private const double Tolerance = 1e-9;

    [SharedFact(Reference)]
    public void Pivots_windows_and_saliencies_agree()
    {
        JsonElement golden = Golden();
        using RuleModel model = new(golden.GetProperty("rule"));
        NeuronExamples examples = Examples(model, golden);
        Dictionary<int, NeuronWindow> windows = NeuronToGraph.Windows(model, NeuronSite.Of(RuleModel.Site), examples, Options(golden))
            .ToDictionary(window => window.Example.Context);
        NeuronExample[] all = [.. examples.Top, .. examples.Silent];
        JsonElement[] stored = [.. golden.GetProperty("examples").EnumerateArray()];
        Assert.Equal(stored.Length, all.Length);
        Assert.Equal(stored.Count(example => example.TryGetProperty("window_start", out _)), windows.Count);
        foreach (NeuronExample example in all)
        {
            JsonElement expected = stored[example.Context];
            Same(Numbers(expected, "activations"), example.Activations);
            Assert.Equal(expected.GetProperty("pivot").GetInt32(), example.Pivot);
            if (!windows.TryGetValue(example.Context, out NeuronWindow? window))
                continue;
            Assert.Equal(expected.GetProperty("window_start").GetInt32(), window.Start);
            Assert.Equal(Ids(expected, "window_with_bos"), window.Tokens);
            Assert.Equal(expected.GetProperty("window_activation").GetDouble(), window.Activation, Tolerance);
            Assert.Equal(Ids(expected, "right_context"), window.Following);
            Same(Numbers(expected, "saliency_of_token_on_pivot"), [.. window.Saliency.Select(masked => masked[^1])]);
        }
    }

    [SharedFact(Reference)]
    public void Scores_of_a_prediction_agree()
    {
        JsonElement golden = Golden(), stored = golden.GetProperty("validation");
        double[] actual = [.. golden.GetProperty("examples").EnumerateArray().SelectMany(example => Numbers(example, "activations"))];
        double[] predicted = [.. golden.GetProperty("graph_that_knows_only_a_b").EnumerateArray().SelectMany(Numbers)];
        PredictionScores scores = PredictionScores.Of(
            actual, predicted, actual.Max(), stored.GetProperty("threshold_share_of_maximum").GetDouble());
        Agree(stored.GetProperty("firing"), scores.Firing);
        Agree(stored.GetProperty("non_firing"), scores.NonFiring);
        Assert.Equal(stored.GetProperty("one_minus_mse_over_variance").GetDouble(), scores.ExplainedVariance, Tolerance);
        Assert.Equal(actual.Length, scores.Tokens);
    }

    /// <summary>The graph of the reference's own neuron knows what the stored prediction knows, and the other rule too.</summary>
    [SharedFact(Reference)]
    public void The_graph_of_the_rule_has_its_paths()
    {
        JsonElement golden = Golden();
        using RuleModel model = new(golden.GetProperty("rule"));
        NeuronExamples examples = Examples(model, golden);
        NeuronGraph graph = NeuronToGraph.Of(
            model, NeuronSite.Of(RuleModel.Site), examples, Options(golden) with { ActivationThreshold = 0.1 });
        Assert.Contains(graph.Paths, path => $"{path}" == "'#3' '#7' → 2");
        Assert.Contains(graph.Paths, path => $"{path}".EndsWith("'#9' → 0.9", StringComparison.Ordinal) && path.Steps[^1].Token == "#12");
    }

    private static NeuronExamples Examples(RuleModel model, JsonElement golden)
    {
        IReadOnlyList<long>[] texts = [.. golden.GetProperty("examples").EnumerateArray().Select(example => Ids(example, "tokens"))];
        long bos = golden.GetProperty("rule").GetProperty("bos").GetInt64();
        return MaxActivating.Of(model, Corpus.OfTokens(texts), NeuronSite.Of(RuleModel.Site), new() { Bos = bos })[0];
    }

    private static NeuronToGraphOptions Options(JsonElement golden) =>
        new() { MaskToken = golden.GetProperty("rule").GetProperty("mask").GetInt64() };

    private static void Agree(JsonElement stored, ClassScores scores)
    {
        Assert.Equal(stored.GetProperty("precision").GetDouble(), scores.Precision, Tolerance);
        Assert.Equal(stored.GetProperty("recall").GetDouble(), scores.Recall, Tolerance);
        Assert.Equal(stored.GetProperty("f1").GetDouble(), scores.F1, Tolerance);
    }

    private static void Same(double[] expected, IReadOnlyList<double> actual)
    {
        Assert.Equal(expected.Length, actual.Count);
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, Tolerance));
    }

    private static long[] Ids(JsonElement example, string name) =>
        [.. example.GetProperty(name).EnumerateArray().Select(id => id.GetInt64())];

    private static double[] Numbers(JsonElement example, string name) => Numbers(example.GetProperty(name));

    private static double[] Numbers(JsonElement list) => [.. list.EnumerateArray().Select(number => number.GetDouble())];

    private static JsonElement Golden()
    {
        using JsonDocument json = JsonDocument.Parse(File.ReadAllText(SharedData.Path(Reference)));
        return json.RootElement.Clone();
    }
}
