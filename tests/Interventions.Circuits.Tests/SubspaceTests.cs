using System.Text.Json;
using Interventions.Files;
using Interventions.Models.Decoder;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits.Tests;

/// <summary>Low-rank queries, keys and values.</summary>
public sealed class SubspaceTests : IDisposable
{
    private const double Tolerance = 1e-9;

    private static readonly ToyPrompts s_prompts = ToyPrompts.Random(5, [.. Enumerable.Range(0, 24).Select(i => 4 + (i % 3))]);

    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void All_directions_are_the_identity_and_the_error_falls_with_the_rank()
    {
        Tensor values = Random(40, 8);
        using Subspace subspace = Subspace.Of(values);
        double[] errors = [.. Enumerable.Range(0, 9).Select(rank => (subspace.Project(values, rank) - values).norm().item<double>())];
        Assert.Equal(0, errors[8], Tolerance);
        Assert.All(errors.Zip(errors.Skip(1)), pair => Assert.True(pair.First > pair.Second));
        Assert.InRange(Distance.Largest(subspace.Projector(8), eye(8, dtype: ScalarType.Float64)), 0, Tolerance);
        Assert.InRange(Distance.Largest(subspace.Project(values, 0), values.mean([0L]).expand(40, 8)), 0, Tolerance);
        // What is left out of the squares is what the error is.
        double all = errors[0] * errors[0];
        for (int rank = 0; rank <= 8; rank++)
            Assert.Equal(1 - (errors[rank] * errors[rank] / all), subspace.ExplainedShare(rank), Tolerance);
        Assert.Throws<ArgumentOutOfRangeException>(() => subspace.Project(values, 9));
    }

    /// <summary>Three planted directions around a mean are all that there is, also where there are fewer values than dimensions.</summary>
    [Theory]
    [InlineData(50)]
    [InlineData(5)]
    public void Planted_directions_are_recovered(int count)
    {
        Tensor directions = Random(3, 8), values = Random(count, 3).matmul(directions) + Random(1, 8);
        using Subspace subspace = Subspace.Of(values);
        Assert.InRange(Distance.Largest(subspace.Project(values, 3), values), 0, Tolerance);
        Assert.True((subspace.Project(values, 2) - values).norm().item<double>() > 1e-3);
        Assert.InRange(Distance.Largest(directions.matmul(subspace.Projector(3)), directions), 0, 1e-8);
        Assert.Equal(1, subspace.ExplainedShare(3), Tolerance);
    }

    [Fact]
    public void Centroids_are_means_of_classes_seen_from_the_mean()
    {
        Tensor values = Random(6, 4);
        using Subspace subspace = Subspace.Of(values);
        using Tensor centroids = subspace.Centroids(values, [0, 1, 0, 1, 1, 0], 4);
        Assert.InRange(Distance.Largest(centroids[0], ((values[0] + values[2] + values[5]) / 3) - values.mean([0L])), 0, Tolerance);
        Assert.Contains(
            "none is empty; 1", Assert.Throws<ArgumentException>(() => subspace.Centroids(values, [0, 2, 0, 2, 2, 0], 4)).Message);
    }

    [SharedFact("reference/features/subspaces")]
    public void Losses_by_rank_agree_with_the_reference()
    {
        string folder = SharedData.Path("reference/features/subspaces");
        using SafeTensorFile file = SafeTensorFile.Open(Path.Combine(folder, "subspaces.safetensors"));
        using JsonDocument json = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "subspaces.json")));
        Tensor q = file.Read("q"), k = file.Read("k"), v = file.Read("v");
        Tensor labels = file.Read("labels"), output = file.Read("output_matrix");
        using Subspace ofQ = Subspace.Of(q), ofK = Subspace.Of(k), ofV = Subspace.Of(v);
        foreach ((string name, Subspace subspace) in ((string, Subspace)[])[("q", ofQ), ("k", ofK), ("v", ofV)])
        {
            Golden.Close(subspace.Mean, file.Read($"{name}.mean"), "mean");
            Golden.Close(subspace.SingularValues, file.Read($"{name}.singular_values"), "singular values");
            Golden.Close(subspace.Projector(3), file.Read($"{name}.projector_rank_3"), "projector");
            JsonElement shares = json.RootElement.GetProperty("explained_share").GetProperty(name);
            foreach ((int rank, JsonElement share) in shares.EnumerateArray().Index())
                Assert.Equal(share.GetDouble(), subspace.ExplainedShare(rank + 1), Tolerance);
        }
        Golden.Close(
            ofQ.Centroids(q, [.. labels.data<long>().Select(label => (int)label)], 3), file.Read("class_centroids_q_rank_3"), "centroids");
        foreach (JsonElement ofRank in json.RootElement.GetProperty("by_rank").EnumerateArray())
        {
            int rank = ofRank.GetProperty("rank").GetInt32();
            Agree("q_only", ofQ.Project(q, rank), k, v);
            Agree("k_only", q, ofK.Project(k, rank), v);
            Agree("q_and_k", ofQ.Project(q, rank), ofK.Project(k, rank), v);
            Agree("v_only", q, k, ofV.Project(v, rank));

            void Agree(string what, Tensor queries, Tensor keys, Tensor values)
            {
                JsonElement expected = ofRank.GetProperty(what);
                Tensor scores = (keys * queries.unsqueeze(1)).sum(-1) / 4, pattern = scores.softmax(-1);
                Tensor logits = (pattern.unsqueeze(-1) * values).sum(1).matmul(output);
                Assert.Equal(expected.GetProperty("pattern_cross_entropy").GetDouble(), Loss(scores), Tolerance);
                Assert.Equal(expected.GetProperty("output_cross_entropy").GetDouble(), Loss(logits), Tolerance);
                Assert.Equal(
                    expected.GetProperty("pattern_accuracy").GetDouble(),
                    scores.argmax(-1).eq(labels).to(ScalarType.Float64).mean().item<double>(), Tolerance);
            }
        }

        double Loss(Tensor logits) => Metrics.Loss(logits, labels).mean().item<double>();

    }

    /// <summary>The projected run is the naive run with values that were projected by hand.</summary>
    [Theory]
    [InlineData("gpt2")]
    [InlineData("llama")]
    public void A_projected_run_is_that_of_projected_values(string family)
    {
        using DecoderModel model = SmallDecoders.Model(family);
        (string queries, string keys) = ("blocks.1.attn.q[head=1; pos=end]", "blocks.1.attn.k[kv_head=0; pos=mid,end]");
        using Subspace ofQueries = Subspace.Of(model, s_prompts, queries), ofKeys = Subspace.Of(model, s_prompts, keys);
        InterventionGraph metric = Intervention.On(model).LogitDifference("correct", "wrong").Loss("correct").Graph;
        RankCurve curve = RankCurve.Of(model, s_prompts, metric, [(queries, ofQueries), (keys, ofKeys)]);
        Assert.Equal(Enumerable.Range(0, 9), curve.Ranks);
        foreach (int rank in curve.Ranks)
        {
            using RunResult run = Intervention.On(model)
                .Patch(queries, x => ofQueries.Project(x, rank)).Patch(keys, x => ofKeys.Project(x, rank))
                .LogitDifference("correct", "wrong").Loss("correct").Run(s_prompts, new() { Naive = true });
            foreach (string name in curve.Metrics)
                Assert.All(curve.OfPrompts(name, rank).Zip(run[name].Values.data<double>()), pair =>
                    Assert.Equal(pair.Second, pair.First, Tolerance));
        }
        Assert.Equal(curve.Unchanged("Loss"), curve["Loss"][8], Tolerance);
        Assert.True(Math.Abs(curve.Unchanged("Loss") - curve["Loss"][0]) > 1e-6);
        string text = curve.ToString();
        Assert.Equal(11, text.TrimEnd().Split('\n').Length);
        Assert.Contains("model", text);
    }

    /// <summary>Found on one run, tried on another one, such as that of other labels.</summary>
    [Fact]
    public void Another_run_can_be_projected()
    {
        using DecoderModel model = SmallDecoders.Model("gpt2");
        const string Queries = "blocks.1.attn.q[head=1; pos=end]";
        using Subspace subspace = Subspace.Of(model, s_prompts, Queries);
        InterventionGraph metric = Intervention.On(model).Loss("wrong").Graph;
        RankCurve curve = RankCurve.Of(model, s_prompts, metric, [(Queries, subspace)], ranks: [2, 8], changes: "corrupted");
        using RunResult run = Intervention.On(model).Changes("corrupted").Patch(Queries, x => subspace.Project(x, 2)).Loss("wrong")
            .Run(s_prompts);
        Assert.Equal(run["Loss"].Values.mean().item<double>(), curve["Loss"][0], Tolerance);
        Assert.Equal(run.Run("corrupted")["Loss"].mean().item<double>(), curve["Loss"][1], Tolerance);
    }

    /// <summary>Of all positions of prompts of different length, padding is no value.</summary>
    [Fact]
    public void Padding_is_no_value()
    {
        using DecoderModel model = SmallDecoders.Model("gpt2");
        using Subspace all = Subspace.Of(model, s_prompts, "blocks.0.attn.v[kv_head=2]", new() { BatchSize = 5 });
        List<Tensor> rows = [];
        foreach (PromptTokens prompt in s_prompts.Prompts)
        {
            using RunResult run = Intervention.On(model).Capture("V", "blocks.0.attn.v[kv_head=2]").Run(new ToyPrompts([prompt]));
            rows.Add(run["V"].Values.flatten(0, -2).clone());
        }
        using Subspace expected = Subspace.Of(cat(rows, 0));
        Assert.InRange(Distance.Largest(all.Mean, expected.Mean), 0, Tolerance);
        Assert.InRange(Distance.Largest(all.Projector(3), expected.Projector(3)), 0, 1e-7);
        Assert.Contains(
            "names several layers",
            Assert.Throws<InterventionException>(() => Subspace.Of(model, s_prompts, "blocks.*.attn.v[kv_head=2]")).Message);
    }

    [Fact]
    public void What_does_not_fit_is_refused_and_no_tensor_is_left()
    {
        using DecoderModel model = SmallDecoders.Model("gpt2");
        const string Site = "blocks.1.attn.q[head=1; pos=end]";
        InterventionGraph metric = Intervention.On(model).Loss("correct").Graph;
        using Subspace subspace = Subspace.Of(model, s_prompts, Site);
        Refused("ranks are from 0 to 8", () => RankCurve.Of(model, s_prompts, metric, [(Site, subspace)], ranks: [9]));
        Refused("there is no subspace", () => RankCurve.Of(model, s_prompts, metric, []));
        Refused("has no metric", () => RankCurve.Of(model, s_prompts, Intervention.On(model).Graph, [(Site, subspace)]));
        long before = LiveTensors.Count();
        using (Subspace.Of(model, s_prompts, Site))
            _ = $"{subspace}{RankCurve.Of(model, s_prompts, metric, [(Site, subspace)])}";
        Assert.Equal(before, LiveTensors.Count());

        static void Refused(string message, Func<object> call) =>
            Assert.Contains(message, Assert.Throws<InterventionException>(() => call()).Message);
    }

    private static Tensor Random(long rows, long width)
    {
        using Generator generator = new((ulong)((rows * 100) + width), CPU);
        return randn([rows, width], ScalarType.Float64, generator: generator);
    }
}
