using FsCheck;
using FsCheck.Fluent;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features.Tests.Probes;

/// <summary>Probes by conditions of their minima, by planted answers, and by properties of their metrics.</summary>
public sealed class ProbeTests
{
    public static IEnumerable<object[]> Shapes =>
        from shape in new (int Rows, int Width)[] { (60, 7), (25, 25), (12, 40) }
        select new object[] { shape.Rows, shape.Width };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void The_gradient_of_a_logistic_regression_is_0_also_with_fewer_rows_than_columns(int rows, int width)
    {
        using DisposeScope scope = NewDisposeScope();
        LabelledRows data = Random(rows, width, seed: 1);
        ProbeMethod.Logistic method = new(3) { Scaled = false };
        using Probe probe = Probe.Fit(data, method);
        (Tensor signs, Tensor margins) = Margins(probe, data);
        double positive = data.Labels.Count(label => label);
        Tensor weights = where(signs.gt(0), rows / (2 * positive), rows / (2 * (rows - positive))) * method.C;
        Tensor slopes = -(weights * signs * (-margins).sigmoid());
        Assert.True((probe.Weight + data.X.t().mv(slopes)).norm().item<double>() < 1e-6);
        Assert.True(slopes.sum().abs().item<double>() < 1e-6);
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void A_support_vector_machine_is_where_no_small_step_is_better(int rows, int width)
    {
        using DisposeScope scope = NewDisposeScope();
        LabelledRows data = Random(rows, width, seed: 2);
        using Probe probe = Probe.Fit(data, new ProbeMethod.LinearSvm(0.7));
        double best = Objective(probe.Weight, probe.Bias);
        using Generator generator = new(5, CPU);
        for (int i = 0; i < 200; i++)
        {
            Tensor step = randn([width + 1], ScalarType.Float64, generator: generator) * Math.Pow(10, -1 - (i % 5));
            Assert.True(Objective(probe.Weight + step[..width], probe.Bias + step[width].item<double>()) >= best - 1e-8);
        }

        double Objective(Tensor weight, double bias)
        {
            Tensor margins = Signs(data) * (data.X.mv(weight) + bias);
            return (0.5 * weight.dot(weight).item<double>()) + (0.7 * (1 - margins).relu().sum().item<double>());
        }
    }

    [Theory]
    [InlineData(0.3, 1)]
    [InlineData(1, 0.5)]
    [InlineData(2, 0)]
    public void A_sparse_logistic_regression_fulfils_the_conditions_of_its_minimum(double c, double share)
    {
        using DisposeScope scope = NewDisposeScope();
        LabelledRows data = Random(60, 9, seed: 3);
        using Probe probe = Probe.Fit(data, new ProbeMethod.SparseLogistic(c, share));
        (Tensor signs, Tensor margins) = Margins(probe, data);
        Tensor slopes = -(signs * (-margins).sigmoid()) * c;
        double[] slope = [.. data.X.t().mv(slopes).data<double>()], weight = [.. probe.Weight.data<double>()];
        Assert.True(slopes.sum().abs().item<double>() < 1e-7);
        foreach ((double w, double g) in weight.Zip(slope))
        {
            double rest = g + ((1 - share) * w);
            Assert.True(w == 0 ? Math.Abs(rest) <= share + 1e-7 : Math.Abs(rest + (share * Math.Sign(w))) < 1e-7, $"{w}: {rest}");
        }
        Assert.True(share < 1 || weight.Contains(0));
    }

    [Fact]
    public void Balanced_weights_are_those_of_a_minority_that_is_there_several_times()
    {
        using DisposeScope scope = NewDisposeScope();
        LabelledRows data = Random(40, 5, seed: 4) with { Labels = [.. Enumerable.Range(0, 40).Select(row => row < 10)] };
        using Probe balanced = Probe.Fit(data, new ProbeMethod.Logistic(1) { Scaled = false });
        int[] rows = [.. Enumerable.Range(0, 40), .. Enumerable.Range(0, 10), .. Enumerable.Range(0, 10)];
        using Probe repeated = Probe.Fit(
            data.Of(rows), new ProbeMethod.Logistic(40 / 60.0) { Balanced = false, Scaled = false });
        Assert.True((balanced.Weight - repeated.Weight).abs().max().item<double>() < 1e-8);
        Assert.Equal(balanced.Bias, repeated.Bias, 1e-8);
    }

    [Fact]
    public void Constant_scores_tell_nothing_and_perfect_ones_all()
    {
        bool[] labels = [true, false, true, false, false];
        Assert.Equal(0.5, ProbeMetrics.Of([1, 1, 1, 1, 1], labels).RocAuc);
        ProbeMetrics perfect = ProbeMetrics.Of([2, -1, 1, -2, -0.5], labels);
        Assert.Equal((1, 1, 1, 1, 1), (perfect.RocAuc, perfect.Mcc, perfect.F1, perfect.AveragePrecision, perfect.PrAuc));
    }

    [Fact]
    public void The_area_is_the_share_of_pairs_in_order_and_other_labels_turn_it_round() => Prop.ForAll(
        Gen.Choose(0, 7).Two().NonEmptyListOf().ToArbitrary(),
        rows =>
        {
            double[] scores = [.. rows.Select(row => (double)row.Item1)];
            bool[] labels = [.. rows.Select(row => row.Item2 % 2 == 0)];
            if (labels.Distinct().Count() < 2)
                return true;
            double pairs = 0, ordered = 0;
            for (int i = 0; i < scores.Length; i++)
                for (int j = 0; j < scores.Length; j++)
                    if (labels[i] && !labels[j])
                    {
                        pairs++;
                        ordered += scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0;
                    }
            double area = ProbeMetrics.Of(scores, labels).RocAuc;
            return Math.Abs(area - (ordered / pairs)) < 1e-12
                && Math.Abs(ProbeMetrics.Of(scores, [.. labels.Select(label => !label)]).RocAuc - (1 - area)) < 1e-12;
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData(ProbeRanking.MaxMeanDifference)]
    [InlineData(ProbeRanking.MutualInformation)]
    [InlineData(ProbeRanking.AnovaF)]
    [InlineData(ProbeRanking.L1Logistic)]
    [InlineData(ProbeRanking.LinearSvm)]
    public void Every_ranking_finds_a_planted_neuron(ProbeRanking ranking)
    {
        using DisposeScope scope = NewDisposeScope();
        Assert.Equal(4, SparseProbe.Order(Planted(), ranking)[0]);
    }

    [Fact]
    public void Columns_that_a_ranking_says_nothing_of_are_counted()
    {
        using DisposeScope scope = NewDisposeScope();
        LabelledRows rows = Planted();
        int ranked = SparseProbe.Scores(rows, ProbeRanking.L1Logistic).Count(weight => weight > 0);
        Assert.InRange(ranked, 1, 4);
        SparseCurve all = SparseProbe.Curve(rows, rows, ProbeRanking.L1Logistic, [1, 5]);
        Assert.Equal(ranked, all.Ranked);
        Assert.Contains($"L1Logistic says something of {ranked} column", $"{all}", StringComparison.Ordinal);
        Assert.DoesNotContain("says", $"{SparseProbe.Curve(rows, rows, ProbeRanking.L1Logistic, [1])}", StringComparison.Ordinal);
        Assert.DoesNotContain("says", $"{SparseProbe.Curve(rows, rows, ProbeRanking.AnovaF, [1, 5])}", StringComparison.Ordinal);
    }

    [Fact]
    public void A_value_on_an_edge_of_the_bins_goes_up()
    {
        // Of 33 values the quantiles k/32 are values: each is alone in its bin, but for the two highest.
        using Tensor x = arange(33.0, dtype: ScalarType.Float64).unsqueeze(1);
        bool[] labels = [.. Enumerable.Range(0, 33).Select(value => value < 2 || value % 2 == 1)];
        double p = labels.Count(label => label) / 33.0;
        double entropy = -(p * Math.Log(p)) - ((1 - p) * Math.Log(1 - p));
        Assert.Equal(entropy - (2 / 33.0 * Math.Log(2)), SparseProbe.Scores(new(x, labels), ProbeRanking.MutualInformation)[0], 1e-12);
    }

    [Fact]
    public void Adaptive_thresholding_keeps_the_planted_neuron_and_a_rotation_hides_it()
    {
        using DisposeScope scope = NewDisposeScope();
        LabelledRows data = Planted();
        SparseCurve curve = SparseProbe.AdaptiveThresholding(data, data, [1, 3, 12]);
        Assert.Equal([1, 3, 12], curve.Points.Select(point => point.Columns.Length));
        Assert.Equal([4], curve[1].Columns.ToArray());
        Assert.True(curve[1].Test.RocAuc > 0.99);
        LabelledRows turned = data.Rotated(3);
        Assert.True(SparseProbe.Curve(turned, turned, sizes: [1])[1].Test.RocAuc < curve[1].Test.RocAuc - 0.01);
        Assert.True(SparseProbe.Curve(turned, turned, sizes: [12])[12].Test.RocAuc > 0.99);
        // Lengths and angles stay.
        Assert.True((turned.X.matmul(turned.X.t()) - data.X.matmul(data.X.t())).abs().max().item<double>() < 1e-9);
    }

    [Fact]
    public void Random_rankings_and_shuffles_are_those_of_their_seed()
    {
        using DisposeScope scope = NewDisposeScope();
        LabelledRows data = Random(30, 20, seed: 6);
        Assert.Equal(SparseProbe.Order(data, ProbeRanking.Random, 1), SparseProbe.Order(data, ProbeRanking.Random, 1));
        Assert.NotEqual(SparseProbe.Order(data, ProbeRanking.Random, 1), SparseProbe.Order(data, ProbeRanking.Random, 2));
        Assert.Equal(data.Shuffled(1).Labels, data.Shuffled(1).Labels);
        Assert.Equal(data.Labels.Count(label => label), data.Shuffled(1).Labels.Count(label => label));
    }

    [Fact]
    public void Controls_do_no_better_than_chance_where_the_probe_does()
    {
        using DisposeScope scope = NewDisposeScope();
        LabelledRows data = Planted(rows: 240);
        ProbeSplit split = ProbeSplit.ByRow(240, 0.5);
        ProbeControls controls = ProbeControls.Of(data.Of(split.Train), data.Of(split.Test));
        Assert.True(controls.Probe.RocAuc > 0.99);
        Assert.InRange(controls.ShuffledLabels.Average(one => one.RocAuc), 0.3, 0.7);
        Assert.True(controls.RandomDirections.Average(one => one.RocAuc) < 0.95);
        Assert.Contains("20 shuffled labels", $"{controls}");
    }

    [Fact]
    public void A_split_by_entity_has_no_entity_on_both_sides() => Prop.ForAll(
        Gen.Choose(0, 8).NonEmptyListOf().ToArbitrary(), Gen.Choose(0, 1000).ToArbitrary(),
        (rows, seed) =>
        {
            int[] groups = [.. rows];
            if (groups.Distinct().Count() < 2)
                return true;
            ProbeSplit split = ProbeSplit.ByGroup(groups, 0.3, seed);
            return !split.Train.Select(row => groups[row]).Intersect(split.Test.Select(row => groups[row])).Any()
                && split.Train.Length > 0 && split.Test.Length > 0
                && split.Train.Concat(split.Test).Order().SequenceEqual(Enumerable.Range(0, groups.Length));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_saved_probe_is_the_same()
    {
        using TemporaryFolder folder = new();
        using DisposeScope scope = NewDisposeScope();
        using Probe probe = SparseProbe.Fit(Planted(), 2);
        probe.Save(Path.Combine(folder.Path, "probe.safetensors"));
        using Probe loaded = Probe.Load(Path.Combine(folder.Path, "probe.safetensors"));
        Assert.True(SmallDecoders.Same(probe.Weight, loaded.Weight));
        Assert.Equal((probe.Bias, probe.Method), (loaded.Bias, loaded.Method));
        Assert.Equal(probe.Columns.ToArray(), loaded.Columns.ToArray());
    }

    [Fact]
    public void What_no_probe_can_read_is_refused()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = ones(3, 2, dtype: ScalarType.Float64);
        Assert.Contains("of both", Assert.Throws<ArgumentException>(() => Probe.Fit(x, [true, true, true])).Message);
        Assert.Contains("2 labels", Assert.Throws<ArgumentException>(() => Probe.Fit(x, [true, false])).Message);
        Assert.Contains("not finite", Assert.Throws<ArgumentException>(() => Probe.Fit(x / 0, [true, false, true])).Message);
        Assert.Contains("cannot be kept", Assert.Throws<ArgumentException>(() => SparseProbe.Fit(new(x, [true, false, true]), 3)).Message);
    }

    [Fact]
    public void Fitting_leaves_no_tensors_behind()
    {
        using Tensor x = randn(20, 6, dtype: ScalarType.Float64);
        bool[] labels = [.. Enumerable.Range(0, 20).Select(row => row % 3 == 0)];
        long before = LiveTensors.Count();
        foreach (ProbeMethod method in new ProbeMethod[]
            { new ProbeMethod.Logistic(), new ProbeMethod.LinearSvm(), new ProbeMethod.SparseLogistic(), new ProbeMethod.MassMean() })
            Probe.Fit(x, labels, method).Dispose();
        NumericProbe.Fit(x, [.. labels.Select(label => label ? 1.0 : 0)]).Dispose();
        Assert.Equal(before, LiveTensors.Count());
    }

    /// <summary>Column 4 is another in both classes; columns are of different sizes.</summary>
    private static LabelledRows Planted(int rows = 120)
    {
        LabelledRows data = Random(rows, 12, seed: 8);
        Tensor x = data.X.clone();
        x[TensorIndex.Colon, 4] += Signs(data) * 2;
        return data with { X = x };
    }

    private static LabelledRows Random(int rows, int width, long seed)
    {
        using Generator generator = new((ulong)seed, CPU);
        Tensor x = randn([rows, width], ScalarType.Float64, generator: generator) + 2;
        Tensor hidden = x[TensorIndex.Colon, 0] + randn([rows], ScalarType.Float64, generator: generator) - 2;
        return new LabelledRows(x, [.. hidden.data<double>().Select(number => number > 0)]);
    }

    private static Tensor Signs(LabelledRows data) => tensor(data.Labels.Select(label => label ? 1.0 : -1).ToArray());

    private static (Tensor Signs, Tensor Margins) Margins(Probe probe, LabelledRows data) =>
        (Signs(data), Signs(data) * (data.X.mv(probe.Weight) + probe.Bias));
}
