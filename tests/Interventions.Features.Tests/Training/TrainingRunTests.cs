using Interventions.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features.Tests.Training;

/// <summary>Training from its start to its end: seeds, files, schedules, what is refused.</summary>
public sealed class TrainingRunTests : IDisposable
{
    private const int Width = 8;

    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    private static readonly SaeObjective[] s_objectives =
    [
        new SaeObjective.Standard(0.2) { Ghosts = new GhostGradients() },
        new SaeObjective.Gated(0.2),
        new SaeObjective.TopK(3),
        new SaeObjective.BatchTopK(3) { InnerWidths = [4, 8], RescalesByDecoderNorm = true, ThresholdRate = 0.2 },
        new SaeObjective.JumpRelu(new JumpPenalty.Quadratic(0.1, 3)) { Bandwidth = 0.5, TrainsLogThreshold = true, InitialThreshold = 0.2 },
    ];

    public static TheoryData<SaeObjective> Objectives => [.. s_objectives];

    [Theory]
    [MemberData(nameof(Objectives))]
    public void Equal_seeds_give_equal_bytes_and_others_others(SaeObjective objective)
    {
        SaeTrainingOptions options = Options(objective);
        using SaeTrainingResult first = SaeTraining.Train(Batches(), options), second = SaeTraining.Train(Batches(), options);
        using SaeTrainingResult other = SaeTraining.Train(Batches(), options with { Seed = 1 });
        AreEqual(first, second);
        Assert.False(Same(first.Sae.Weights.Decoder, other.Sae.Weights.Decoder));
    }

    [Theory]
    [MemberData(nameof(Objectives))]
    public void A_stopped_training_goes_on_to_the_same_bytes(SaeObjective objective)
    {
        using TemporaryFolder folder = new();
        SaeTrainingOptions options = Options(objective);
        using SaeTrainingResult whole = SaeTraining.Train(Batches(), options);
        foreach (int stop in new[] { 1, 20, 26, 33 })
        {
            string path = folder[$"stopped-at-{stop}.safetensors"];
            using CancellationTokenSource source = new();
            IActivationBatches stopping = ActivationBatches.Of(step =>
            {
                if (step == stop)
                    source.Cancel();
                return Batch(step);
            });
            SaeTrainingOptions filed = options with { Path = path, SaveEvery = 7 };
            Assert.ThrowsAny<OperationCanceledException>(() => SaeTraining.Train(stopping, filed, source.Token));
            Assert.True(File.Exists(path));
            using SaeTrainingResult resumed = SaeTraining.Train(Batches(), filed);
            AreEqual(whole, resumed);
            // A training that is done is read, not repeated.
            using SaeTrainingResult again = SaeTraining.Train(Batches(), filed);
            AreEqual(whole, again);
        }
    }

    [Fact]
    public void A_killed_training_goes_on_from_its_last_file()
    {
        using TemporaryFolder folder = new();
        SaeTrainingOptions options = Options(new SaeObjective.TopK(3)), filed = options with { Path = folder["a"], SaveEvery = 7 };
        using SaeTrainingResult whole = SaeTraining.Train(Batches(), options);
        IActivationBatches failing = ActivationBatches.Of(step => step < 17 ? Batch(step) : throw new IOException("The disk is gone."));
        Assert.Throws<IOException>(() => SaeTraining.Train(failing, filed));
        long asked = long.MaxValue;
        IActivationBatches watched = ActivationBatches.Of(step =>
        {
            asked = step > 0 ? Math.Min(asked, step) : asked; // the first batch is looked at to compare it
            return Batch(step);
        });
        using SaeTrainingResult resumed = SaeTraining.Train(watched, filed);
        Assert.Equal(14, asked);
        AreEqual(whole, resumed);
    }

    [Fact]
    public void A_file_of_another_training_is_refused()
    {
        using TemporaryFolder folder = new();
        SaeTrainingOptions options = Options(new SaeObjective.Standard(0.2)) with { Path = folder["a.safetensors"] };
        SaeTraining.Train(Batches(), options).Dispose();
        Refused("LearningRate = 0.002", options with { LearningRate = 0.002 }, Batches());
        Refused("L1 = 0.3", options with { Objective = new SaeObjective.Standard(0.3) }, Batches());
        Refused("resampling at [20]", options with { Resampling = options.Resampling! with { At = [20] } }, Batches());
        Refused("other batches", options, ActivationBatches.Of(step => Batch(step + 1)));
        // How often it is written and recorded changes nothing.
        SaeTraining.Train(Batches(), options with { SaveEvery = 3, Progress = new Reports() }).Dispose();
        File.WriteAllText(folder["text.safetensors"], "no training");
        Assert.Throws<CheckpointException>(() => SaeTraining.Train(Batches(), options with { Path = folder["text.safetensors"] }));
        SafeTensors.Save(folder["weights.safetensors"], new Dictionary<string, Tensor> { ["W_dec"] = ones(2, 2) });
        Assert.Contains("is no training", Assert.Throws<CheckpointException>(
            () => SaeTraining.Train(Batches(), options with { Path = folder["weights.safetensors"] })).Message);

        static void Refused(string part, SaeTrainingOptions options, IActivationBatches batches) => Assert.Contains(
            part, Assert.Throws<InterventionException>(() => SaeTraining.Train(batches, options)).Message);
    }

    [Fact]
    public void Recorded_steps_are_reported_and_written()
    {
        using TemporaryFolder folder = new();
        Reports reports = new();
        SaeTrainingOptions options = Options(new SaeObjective.Standard(0.2)) with { RecordEvery = 15, Progress = reports };
        using SaeTrainingResult result = SaeTraining.Train(Batches(), options);
        Assert.Equal([15, 30, 40], result.History.Select(step => step.Step));
        Assert.Equal(result.History, reports.Steps);
        Assert.True(result.History[^1].Terms["mse"] < result.History[0].Terms["mse"]);
        Assert.Equal(result.History[1].Terms.Values.Sum(), result.History[1].Loss, 1e-12);
        result.SaveCsv(folder["steps.csv"]);
        string[] lines = File.ReadAllLines(folder["steps.csv"]);
        Assert.Equal("step,learning_rate,l0_features,explained_variance,dead_features,gradient_norm,l1,mse", lines[0]);
        Assert.Equal(4, lines.Length);
        Assert.All(result.ToString().Split('\n'), line => Assert.True(line.Length <= 80, line));
        Assert.Contains("Relu dictionary of 16 features, 8 wide", result.ToString());
    }

    [Fact]
    public void Rates_warm_up_and_fall_to_nothing_at_the_end()
    {
        SaeTrainingOptions options = Options(new SaeObjective.Standard(1)) with
        {
            Steps = 100,
            LearningRate = 2,
            WarmUpSteps = 10,
            DecayPart = 0.2,
            SparsityWarmUpSteps = 4,
        };
        Assert.Equal(
            [0.2, 1.0, 2.0, 2.0, 2.0, 1.0, 0.1],
            new[] { 0, 4, 9, 50, 80, 90, 99 }.Select(step => Math.Round(options.RateAt(step), 12)));
        Assert.Equal([0.25, 0.5, 0.75, 1, 1], Enumerable.Range(0, 5).Select(step => options.SparsityAt(step)));
        using SaeTrainingResult result = SaeTraining.Train(
            Batches(), options with { Steps = 8, RecordEvery = 1, LearningRate = 1e-30, Resampling = null });
        double[] ratios = [.. result.History.Select(step => step.Terms["l1"])];
        Assert.InRange(ratios[0] / ratios[7], 0.15, 0.4); // a quarter of the penalty, on another batch
    }

    /// <summary>Training on s·x and folding s in is training on data of that size: the dictionary is for x.</summary>
    [Fact]
    public void A_scale_of_inputs_is_folded_in_at_the_end()
    {
        SaeTrainingOptions options = Options(new SaeObjective.Standard(0.2)) with { ScaleBatches = 5 };
        using SaeTrainingResult scaled = SaeTraining.Train(Batches(), options);
        Tensor rows = cat([.. Enumerable.Range(0, 5).Select(step => Batch(step).Input)]);
        double s = Math.Sqrt(Width) / rows.norm(-1).mean().item<double>();
        Assert.Equal(s, scaled.Scale, 1e-12);
        using SaeTrainingResult plain = SaeTraining.Train(
            ActivationBatches.Of(step => new ActivationBatch(Batch(step).Input.mul(s))), options with { ScaleBatches = 0 });
        Assert.Equal(1, plain.Scale);
        Tensor x = Batch(7).Input;
        Near(plain.Sae.Encode(x.mul(s)), scaled.Sae.Encode(x));
        Near(plain.Sae.Reconstruct(x.mul(s)).div(s), scaled.Sae.Reconstruct(x));
    }

    [Theory]
    [InlineData(InputNorm.ConstantNorm)]
    [InlineData(InputNorm.LayerNorm)]
    public void A_norm_of_inputs_is_the_dictionary_s(InputNorm norm)
    {
        SaeTrainingOptions options = Options(new SaeObjective.TopK(4)) with { InputNorm = norm, Steps = 300, RecordEvery = 300 };
        using SaeTrainingResult result = SaeTraining.Train(Batches(), options);
        Assert.Equal(norm, result.Sae.Config.InputNorm);
        // What the last step measured is what the dictionary, hardly moved since, leaves of the normalised rows.
        Tensor x = Batch(299).Input, normal = InputNorms.Apply(norm, x);
        Tensor factor = norm == InputNorm.LayerNorm ? x.std(-1, unbiased: true, keepdim: true).reciprocal()
            : x.norm(-1, keepdim: true).reciprocal().mul(Math.Sqrt(Width));
        SaeMetrics metrics = SaeMetrics.Of(
            normal, result.Sae.Encode(x), normal.sub(x.sub(result.Sae.Reconstruct(x)).mul(factor)));
        Assert.Equal(result.History[^1].L0, metrics.L0, 0.1);
        Assert.Equal(result.History[^1].ExplainedVariance, metrics.ExplainedVariance, 0.01);
    }

    [Fact]
    public void A_transcoder_learns_another_value_and_its_skip_connection()
    {
        using Generator generator = new(9);
        Tensor map = randn([Width, 5], float64, generator: generator), linear = randn([Width, 5], float64, generator: generator);
        IActivationBatches batches = ActivationBatches.Of(step =>
        {
            Tensor x = Batch(step).Input;
            return new ActivationBatch(x, x.relu().mm(map).add(x.mm(linear)));
        });
        SaeTrainingOptions options = Options(new SaeObjective.Standard(0.001)) with
        {
            IsTranscoder = true,
            HasSkip = true,
            Steps = 600,
            LearningRate = 0.02,
            Features = 24,
            Resampling = null,
            RecordEvery = 600,
        };
        using SaeTrainingResult result = SaeTraining.Train(batches, options);
        using SaeTrainingResult without = SaeTraining.Train(batches, options with { HasSkip = false });
        Assert.True(result.Sae.Config is { IsTranscoder: true, SubtractsDecoderBias: false });
        Assert.Equal((Width, 5), (result.Sae.InputWidth, result.Sae.OutputWidth));
        Assert.NotNull(result.Sae.Weights.Skip);
        Assert.Null(without.Sae.Weights.Skip);
        Assert.True(result.History[^1].ExplainedVariance > 0.9, result.ToString());
        using TemporaryFolder folder = new();
        result.Sae.Save(folder.Path);
        using Sae read = Sae.Load(folder.Path);
        Tensor one = Batch(3).Input;
        Assert.True(Same(result.Sae.Reconstruct(one), read.Reconstruct(one)));
    }

    /// <summary>What begins anew after the last step would be all that is left of it: it does not.</summary>
    [Fact]
    public void Nothing_is_resampled_after_the_last_step()
    {
        // So many features count as rare that each time some begin anew.
        SaeTrainingOptions options = Options(new SaeObjective.Standard(0.2)) with { Steps = 30 };
        options = options with { Resampling = options.Resampling! with { MostFrequent = 0.99 } };
        using SaeTrainingResult usual = SaeTraining.Train(Batches(), options);
        using SaeTrainingResult atTheEnd = SaeTraining.Train(
            Batches(), options with { Resampling = options.Resampling! with { At = [12, 26, 30, 50] } });
        Assert.True(Same(usual.Sae.Weights.Decoder, atTheEnd.Sae.Weights.Decoder));
    }

    [Theory]
    [InlineData(200, 10)]
    [InlineData(100_000, 1000)]
    public void Of_few_steps_a_warm_up_takes_a_twentieth_and_death_a_tenth(int steps, int warmUp)
    {
        SaeTrainingOptions options = new() { Objective = new SaeObjective.Standard(0.2), Features = 16, Steps = steps, LearningRate = 1 };
        Assert.Equal(0.5, options.RateAt((warmUp / 2) - 1), 1e-12);
        Assert.Equal((1, 1), (options.RateAt(warmUp - 1), options.SparsityAt(warmUp - 1)));
        Assert.Equal(1.0 / warmUp, options.SparsityAt(0), 1e-12);
        Assert.Equal(Math.Min(1000, 2 * warmUp), options.StepsUntilDead);
    }

    [Fact]
    public void What_cannot_be_trained_is_refused_with_the_reason()
    {
        SaeTrainingOptions options = Options(new SaeObjective.Standard(0.2));
        Refused("targets of its own", () => SaeTraining.Train(
            ActivationBatches.Of(step => new ActivationBatch(Batch(step).Input, ones(32, 3, float64))), options));
        Refused("no targets of its own", () => SaeTraining.Train(Batches(), options with { IsTranscoder = true }));
        Refused("rows [row, d]", () => SaeTraining.Train(ActivationBatches.Of(_ => new ActivationBatch(ones(4, float64))), options));
        Refused("After 5 steps a batch has rows of 9", () => SaeTraining.Train(
            ActivationBatches.Of(step => step < 5 ? Batch(step) : new ActivationBatch(ones(4, 9, float64))), options));
        Refused("TopK { K = 17", () => SaeTraining.Train(Batches(), Options(new SaeObjective.TopK(17))));
        Refused("inner widths rise", () => SaeTraining.Train(
            Batches(), Options(new SaeObjective.BatchTopK(3) { InnerWidths = [8, 16] })));
        Refused("too coarse", () => SaeTraining.Train(Batches(), options with { Type = ScalarType.BFloat16 }));
        Refused("one of them", () => SaeTraining.Train(Batches(), options with { ScaleBatches = 2, InputNorm = InputNorm.LayerNorm }));
        Refused("after 40, 50 steps, none of which is before the last of 40: set Resampling.At", () => SaeTraining.Train(
            Batches(), options with { Resampling = new Resampling { At = [40, 50] } }));
        Assert.Contains("end after 3 steps", Assert.Throws<InterventionException>(
            () => SaeTraining.Train(new Few(3), options with { Resampling = null })).Message);
        Assert.Contains("no batches", Assert.Throws<InterventionException>(() => SaeTraining.Train(new Few(0), options)).Message);
        Assert.Contains("The loss is NaN at step 10", Assert.Throws<InterventionException>(() => SaeTraining.Train(
            ActivationBatches.Of(step => new ActivationBatch(Batch(step).Input.mul(step < 4 ? 1 : double.NaN))), options)).Message);

        static void Refused(string part, Func<object> train) =>
            Assert.Contains(part, Assert.ThrowsAny<ArgumentException>(() => train()).Message);
    }

    [Fact]
    public void Batches_of_a_tensor_have_every_row_once_in_a_round_and_begin_anywhere()
    {
        Tensor rows = arange(0, 24, 1, float64).view(12, 2);
        IActivationBatches batches = ActivationBatches.Of(rows, 3, seed: 4);
        double[][] seen = [.. batches.From(0).Take(12).Select(batch => batch.Input[.., 0].data<double>().ToArray())];
        foreach (int round in new[] { 0, 4, 8 })
            Assert.Equal(Enumerable.Range(0, 12).Select(i => 2.0 * i), seen[round..(round + 4)].SelectMany(one => one).Order());
        Assert.NotEqual(seen[0], seen[4]);
        foreach (int start in new[] { 1, 4, 7, 11 })
            Assert.Equal(seen[start], batches.From(start).First().Input[.., 0].data<double>().ToArray());
        Assert.Throws<ArgumentException>(() => ActivationBatches.Of(rows, 13));
        Assert.Throws<ArgumentException>(() => ActivationBatches.Of(rows, 3, targets: ones(11, 2)));
        ActivationBatch both = ActivationBatches.Of(rows, 3, targets: rows.mul(3.0)).From(2).First();
        Assert.True(Same(both.Input.mul(3.0), both.Target));
    }

    [Fact]
    public void Nothing_is_left_behind()
    {
        using TemporaryFolder folder = new();
        Tensor rows = randn(64, Width);
        IActivationBatches batches = ActivationBatches.Of(rows, 16);
        Train(); // what is made once
        long before = LiveTensors.Count();
        Train();
        Assert.Equal(before, LiveTensors.Count());

        void Train()
        {
            foreach (SaeObjective objective in s_objectives)
                foreach (string? path in new[] { null, folder[objective.GetType().Name] })
                {
                    SaeTrainingOptions options = Options(objective) with { Steps = 12, Path = path, Type = ScalarType.Float32 };
                    SaeTraining.Train(batches, options with { Resampling = new Resampling { At = [6], Window = 3 } }).Dispose();
                }
        }
    }

    private static SaeTrainingOptions Options(SaeObjective objective) => new()
    {
        Objective = objective,
        Features = 16,
        Steps = 40,
        LearningRate = 0.01,
        Beta1 = 0.9,
        WarmUpSteps = 5,
        SparsityWarmUpSteps = 5,
        DeadAfter = 3,
        Resampling = new Resampling { At = [12, 26], Window = 6, Batches = 2 },
        Type = ScalarType.Float64,
        RecordEvery = 10,
    };

    private static ActivationBatch Batch(long step)
    {
        using Generator generator = new((ulong)step + 300);
        return new ActivationBatch(randn([32, Width], float64, generator: generator));
    }

    private static IActivationBatches Batches() => ActivationBatches.Of(Batch);

    private static void AreEqual(SaeTrainingResult expected, SaeTrainingResult actual)
    {
        Assert.Equal(expected.Sae.Config, actual.Sae.Config);
        foreach ((string name, Tensor weight) in expected.Sae.Weights.Named)
            Assert.True(Same(weight, actual.Sae.Weights[name]!), name);
        Assert.Equal($"{expected}", $"{actual}");
        Assert.Equal(
            expected.History.SelectMany(step => step.Terms.Values.Append(step.GradientNorm)),
            actual.History.SelectMany(step => step.Terms.Values.Append(step.GradientNorm)));
    }

    private static bool Same(Tensor one, Tensor other) => one.eq(other).all().item<bool>();

    private static void Near(Tensor expected, Tensor actual) =>
        Assert.True(expected.sub(actual).abs().max().item<double>() < 1e-9, $"off by {expected.sub(actual).abs().max().item<double>()}");

    private sealed class Reports : IProgress<SaeTrainingStep>
    {
        public List<SaeTrainingStep> Steps { get; } = [];

        public void Report(SaeTrainingStep value) => Steps.Add(value);
    }

    private sealed class Few(int count) : IActivationBatches
    {
        public IEnumerable<ActivationBatch> From(long step) =>
            Enumerable.Range((int)step, Math.Max(0, count - (int)step)).Select(next => Batch(next));
    }
}
