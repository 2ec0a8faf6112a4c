using System.Text.Json;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features.Tests.Probes;

/// <summary>Everything in <c>reference/features/probes</c>, and the embeddings in <c>reference/features/neurons</c>.</summary>
public sealed class ProbeReferenceTests
{
    private const string Folder = "reference/features/probes";

    private static readonly Dictionary<string, (ProbeMethod Method, double Tolerance)> s_probes = new()
    {
        ["logistic"] = (new ProbeMethod.Logistic(1) { Balanced = false, Scaled = false }, 1e-7),
        ["logistic_c0.05"] = (new ProbeMethod.Logistic(0.05) { Balanced = false, Scaled = false }, 1e-7),
        ["logistic_balanced"] = (new ProbeMethod.Logistic(1) { Scaled = false }, 1e-7),
        ["logistic_balanced_scaled"] = (new ProbeMethod.Logistic(1), 1e-7),
        ["difference_in_means"] = (new ProbeMethod.DifferenceInMeans(), 1e-9),
        ["linear_discriminant"] = (new ProbeMethod.LinearDiscriminant(), 1e-9),
        ["mass_mean"] = (new ProbeMethod.MassMean(), 1e-9),
        ["svm_hinge_c1"] = (new ProbeMethod.LinearSvm(), 1e-4),
        ["logistic_l1_c0.1"] = (new ProbeMethod.SparseLogistic(), 1e-6),
        ["elastic_net_k_equals_d"] = (new ProbeMethod.SparseLogistic(0.6, 0.5488116360940264), 1e-6),
    };

    public static IEnumerable<object[]> Probes => s_probes.Keys.Select(name => new object[] { name });

    /// <summary>Of all tests, so out of the scope of the first one that asks.</summary>
    private static readonly Lazy<Dictionary<string, Tensor>> s_tensors =
        new(() => SafeTensors.Load(SharedData.Path($"{Folder}/probes.safetensors"))
            .ToDictionary(pair => pair.Key, pair => pair.Value.DetachFromDisposeScope()));

    private static readonly Lazy<JsonElement> s_numbers =
        new(() => JsonDocument.Parse(File.ReadAllText(SharedData.Path($"{Folder}/probes.json"))).RootElement);

    private static LabelledRows Train => Rows("train");

    private static LabelledRows Test => Rows("test");

    [SharedTheory(Folder)]
    [MemberData(nameof(Probes))]
    public void Weights_and_metrics_agree(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        (ProbeMethod method, double tolerance) = s_probes[name];
        using Probe probe = Probe.Fit(Train, method);
        // The reference has weights of scaled columns.
        Tensor weight = name == "logistic_balanced_scaled" ? probe.Weight * s_tensors.Value[$"{name}.scale"] : probe.Weight;
        Near(s_tensors.Value[$"{name}.weight"], weight, tolerance);
        Assert.Equal(s_tensors.Value[$"{name}.intercept"].item<double>(), probe.Bias, tolerance * 10);
        Near(s_tensors.Value[$"{name}.test_scores"], probe.Scores(Test.X), tolerance * 100);
        JsonElement stored = s_numbers.Value.GetProperty(name);
        Agree(stored.GetProperty("train"), probe.Evaluate(Train));
        Agree(stored.GetProperty("test"), probe.Evaluate(Test));
    }

    [SharedFact(Folder)]
    public void The_objective_of_the_support_vector_machine_is_no_worse()
    {
        using Probe probe = Probe.Fit(Train, new ProbeMethod.LinearSvm());
        using Tensor scores = probe.Scores(Train.X);
        double hinge = scores.data<double>().Zip(Train.Labels, (score, label) => Math.Max(0, 1 - (label ? score : -score))).Sum();
        double objective = (0.5 * probe.Weight.dot(probe.Weight).item<double>()) + hinge;
        // The reference's solver stops a little earlier.
        double stored = s_numbers.Value.GetProperty("svm_hinge_c1").GetProperty("objective").GetDouble();
        Assert.InRange(objective, stored - 1e-4, stored);
    }

    [SharedTheory(Folder)]
    [InlineData(ProbeRanking.MaxMeanDifference, "max_mean_difference", 1e-9)]
    [InlineData(ProbeRanking.AnovaF, "anova_f", 1e-9)]
    [InlineData(ProbeRanking.MutualInformation, "mutual_information_32_quantile_bins", 1e-9)]
    [InlineData(ProbeRanking.L1Logistic, "l1_logistic", 1e-6)]
    [InlineData(ProbeRanking.LinearSvm, "svm_hinge", 1e-4)]
    public void Rankings_agree(ProbeRanking ranking, string name, double tolerance)
    {
        double[] stored = [.. s_tensors.Value[$"ranking.{name}"].data<double>()];
        Assert.All(stored.Zip(SparseProbe.Scores(Train, ranking)), pair => Assert.Equal(pair.First, pair.Second, tolerance));
        Assert.Equal(
            s_numbers.Value.GetProperty("rankings").GetProperty(name).EnumerateArray().Select(column => column.GetInt32()),
            SparseProbe.Order(Train, ranking));
    }

    [SharedFact(Folder)]
    public void Sparse_probes_agree()
    {
        JsonElement[] stored = [.. s_numbers.Value.GetProperty("k_sparse").EnumerateArray()];
        int[] sizes = [.. stored.Select(one => one.GetProperty("k").GetInt32())];
        SparseCurve curve = SparseProbe.Curve(Train, Test, sizes: sizes);
        foreach (JsonElement one in stored)
        {
            int k = one.GetProperty("k").GetInt32();
            using Probe probe = SparseProbe.Fit(Train, k);
            Assert.Equal(one.GetProperty("neurons").EnumerateArray().Select(neuron => neuron.GetInt32()), probe.Columns);
            double[] weight = [.. probe.Weight.data<double>()];
            Assert.All(
                one.GetProperty("weight").EnumerateArray().Zip(probe.Columns),
                pair => Assert.Equal(pair.First.GetDouble(), weight[pair.Second], 1e-7));
            Assert.Equal(k, weight.Count(number => number != 0));
            Assert.Equal(one.GetProperty("intercept").GetDouble(), probe.Bias, 1e-6);
            Agree(one.GetProperty("test"), probe.Evaluate(Test));
            Assert.Equal(probe.Evaluate(Test), curve[k].Test);
        }
    }

    [SharedFact(Folder)]
    public void The_numeric_probe_agrees()
    {
        double[] target = [.. s_tensors.Value["regression.target"].data<double>()];
        using NumericProbe probe = NumericProbe.Fit(Train.X, target);
        Near(s_tensors.Value["regression.weight"], probe.Weight, 1e-9);
        Assert.Equal(s_tensors.Value["regression.intercept"].item<double>(), probe.Bias, 1e-9);
        Assert.Equal(s_numbers.Value.GetProperty("regression_r2").GetDouble(), probe.RSquared(Train.X, target), 1e-9);
    }

    [SharedFact(Folder)]
    public void Means_and_the_covariance_within_classes_agree()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = Train.Doubles(), positive = Train.OfClass(x, true), negative = Train.OfClass(x, false);
        Near(s_tensors.Value["mean_positive"], positive.mean([0L]), 1e-9);
        Near(s_tensors.Value["mean_negative"], negative.mean([0L]), 1e-9);
        Tensor within = cat([positive - positive.mean([0L]), negative - negative.mean([0L])]);
        Near(s_tensors.Value["within_class_covariance_ml"], within.t().matmul(within) / x.shape[0], 1e-9);
        Assert.Equal(s_numbers.Value.GetProperty("n_train").GetInt64(), x.shape[0]);
        Assert.Equal(s_numbers.Value.GetProperty("n_test").GetInt64(), Test.X.shape[0]);
        Assert.Equal(s_numbers.Value.GetProperty("d").GetInt64(), x.shape[1]);
        Assert.Equal(s_numbers.Value.GetProperty("positives").GetInt64(), positive.shape[0]);
    }

    [SharedFact(Folder)]
    public void Edits_along_directions_agree()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = Test.X[..10], one = s_tensors.Value["edit.direction"], two = s_tensors.Value["edit.directions_two"];
        Tensor mean = s_tensors.Value["edit.train_mean"];
        Near(mean, Train.X.mean([0L]), 1e-9);
        Near(s_tensors.Value["edit.ablate_zero"], DirectionEdits.Removed(x, one), 1e-9);
        Near(s_tensors.Value["edit.ablate_mean"], DirectionEdits.Removed(x, one, mean), 1e-9);
        Near(s_tensors.Value["edit.ablate_two_zero"], DirectionEdits.Removed(x, two), 1e-9);
        Near(s_tensors.Value["edit.ablate_two_mean"], DirectionEdits.Removed(x, two, mean), 1e-9);
        Near(s_tensors.Value["edit.patch_from_rows_10_to_19"], DirectionEdits.Patched(x, Test.X[10..20], one), 1e-9);
        Tensor axes = eye(two.shape[1], dtype: float64);
        Near(s_tensors.Value["edit.projector_two"], axes - DirectionEdits.Removed(axes, two), 1e-9);
    }

    [SharedFact(Folder)]
    public void Examples_of_metrics_agree()
    {
        foreach (JsonProperty example in s_numbers.Value.GetProperty("metric_examples").EnumerateObject())
        {
            JsonElement stored = example.Value;
            double threshold = double.Parse(stored.GetProperty("threshold").GetString()!.TrimStart('>', ' '));
            Agree(stored, ProbeMetrics.Of(
                [.. stored.GetProperty("score").EnumerateArray().Select(score => score.GetDouble())],
                [.. stored.GetProperty("y").EnumerateArray().Select(label => label.GetInt32() == 1)], threshold));
        }
    }

    [SharedFact(Folder)]
    public void The_and_test_agrees()
    {
        (string Name, Func<bool, bool, double> Of)[] gates =
            [("linear", (a, b) => (a ? 1 : 0) + (b ? 1 : 0)), ("and", (a, b) => a && b ? 1 : 0), ("or", (a, b) => a || b ? 1 : 0)];
        bool[] first = [true, true, false, false, true], second = [true, false, true, false, true];
        foreach ((string name, Func<bool, bool, double> of) in gates)
        {
            AndTest test = AndTest.Of([.. first.Zip(second, of)], first, second);
            JsonElement stored = s_numbers.Value.GetProperty("and_test").GetProperty(name);
            Assert.Equal(stored.GetProperty("mean_ab").GetDouble(), test.Both);
            Assert.Equal(stored.GetProperty("mean_not_a_b").GetDouble(), test.OnlyB);
            Assert.Equal(stored.GetProperty("mean_a_not_b").GetDouble(), test.OnlyA);
            Assert.Equal(stored.GetProperty("mean_not_a_not_b").GetDouble(), test.Neither);
            Assert.Equal(stored.GetProperty("excess").GetDouble(), test.Excess);
        }
    }

    [SharedFact("reference/features/neurons/embeddings.json")]
    public void Embedding_checks_agree()
    {
        using DisposeScope scope = NewDisposeScope();
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(SharedData.Path("reference/features/neurons/embeddings.json")));
        JsonElement stored = document.RootElement;
        Dictionary<string, Tensor> tensors = SafeTensors.Load(SharedData.Path("reference/features/neurons/embeddings.safetensors"));
        using var model = Interventions.Models.Decoder.DecoderModel.Load(SharedData.Path("reference/features/model"), ScalarType.Float64);
        Tensor embedding = model.Weights["embed.weight"];
        Assert.Equal(stored.GetProperty("mean_pairwise_cosine").GetDouble(), EmbeddingChecks.MeanCosine(embedding, centred: false), 1e-9);
        Assert.Equal(stored.GetProperty("mean_pairwise_cosine_centred").GetDouble(), EmbeddingChecks.MeanCosine(embedding), 1e-9);
        Neighbour[] neighbours = [.. EmbeddingChecks.Neighbours(embedding, 3).SelectMany(one => one)];
        Assert.Equal(tensors["neighbours.indices"].data<long>().ToArray(), neighbours.Select(one => (long)one.Row));
        Assert.All(
            tensors["neighbours.cosine"].data<double>().Zip(neighbours), pair => Assert.Equal(pair.First, pair.Second.Cosine, 1e-9));
        OffsetTest offset = OffsetTest.Of(
            tensors["offset.source"], tensors["offset.target"],
            new ProbeSplit([.. Enumerable.Range(0, 20)], [.. Enumerable.Range(20, 10)]));
        Assert.All(
            tensors["offset.mean_difference_rows_0_to_19"].data<double>().Zip(offset.Offset),
            pair => Assert.Equal(pair.First, pair.Second, 1e-9));
        JsonElement shares = stored.GetProperty("offset");
        Assert.Equal(shares.GetProperty("share_of_held_out_squared_norm_explained").GetDouble(), offset.Explained, 1e-9);
        Assert.Equal(shares.GetProperty("share_along_the_unit_offset").GetDouble(), offset.Along, 1e-9);
    }

    private static LabelledRows Rows(string side) => new(
        s_tensors.Value[$"{side}.x"], [.. s_tensors.Value[$"{side}.y"].data<double>().Select(label => label == 1)]);

    private static void Agree(JsonElement stored, ProbeMetrics metrics)
    {
        Assert.Equal(stored.GetProperty("accuracy").GetDouble(), metrics.Accuracy, 1e-9);
        Assert.Equal(stored.GetProperty("precision").GetDouble(), metrics.Precision, 1e-9);
        Assert.Equal(stored.GetProperty("recall").GetDouble(), metrics.Recall, 1e-9);
        Assert.Equal(stored.GetProperty("f1").GetDouble(), metrics.F1, 1e-9);
        Assert.Equal(stored.GetProperty("mcc").GetDouble(), metrics.Mcc, 1e-9);
        Assert.Equal(stored.GetProperty("roc_auc").GetDouble(), metrics.RocAuc, 1e-9);
        Assert.Equal(stored.GetProperty("average_precision").GetDouble(), metrics.AveragePrecision, 1e-9);
    }

    private static void Near(Tensor expected, Tensor actual, double tolerance)
    {
        Assert.Equal(expected.shape, actual.shape);
        double worst = (expected - actual).abs().max().item<double>();
        Assert.True(worst <= tolerance, $"off by {worst}");
    }
}
