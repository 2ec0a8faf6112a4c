using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features.Tests.Training;

/// <summary>Where training begins, and how features begin anew.</summary>
public sealed class ResamplingTests : IDisposable
{
    private const string Golden = "reference/features/training/init_and_resampling.safetensors";

    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [SharedFact(Golden)]
    public void The_geometric_median_is_that_of_the_reference()
    {
        Dictionary<string, Tensor> golden = SafeTensors.Load(SharedData.Path(Golden));
        Tensor median = InitialWeights.GeometricMedian(golden["inputs"]);
        Assert.True(median.sub(golden["geometric_median"]).abs().max().item<double>() < 1e-9);
    }

    [Fact]
    public void The_geometric_median_of_a_line_is_its_median_and_ignores_how_far_the_ends_are()
    {
        Tensor rows = tensor(new[] { 0.0, 1, 2, 3, 1e6 }).view(5, 1);
        Assert.Equal(2, InitialWeights.GeometricMedian(rows).item<double>(), 1e-5);
    }

    [SharedFact(Golden)]
    public void Resampling_gives_the_weights_of_the_reference()
    {
        Dictionary<string, Tensor> golden = SafeTensors.Load(SharedData.Path(Golden));
        SaeTrainingOptions options = Options() with { Features = 40, BeginsAtMedian = false };
        using SaeTrainer trainer = new(options, new SaeWeights
        {
            Encoder = Weight("W_enc"),
            EncoderBias = Weight("b_enc"),
            Decoder = Weight("W_dec"),
            DecoderBias = Weight("b_dec"),
        });
        Tensor inputs = golden["inputs"], dead = golden["dead_features"];
        using IDisposable mode = no_grad();
        Tensor losses = SaeLosses.Of(trainer.Weights, options, trainer.Of(new ActivationBatch(inputs))).Error.pow(2).sum(-1);
        Near(golden["per_input_loss"], losses);
        Near(golden["probability"], Resampler.Chances(losses));
        Resampler resampler = new(trainer.Weights, trainer.Adam, 0);
        Near(golden["mean_alive_encoder_norm"], resampler.MeanAliveNorm(dead).view(1));
        Tensor drawn = inputs.index_select(0, golden["drawn_inputs"]).sub(trainer.Weights.DecoderBias);
        resampler.At(dead, drawn, drawn, null);
        foreach ((string name, Tensor weight) in trainer.Weights.Named)
            Near(golden[$"after.{name}"], weight);

        Tensor Weight(string name) => golden[$"before.{name}"].clone().requires_grad_().DetachFromDisposeScope();
    }

    [Fact]
    public void Only_features_that_never_fired_in_the_window_begin_anew_and_Adam_forgets_them()
    {
        SaeTrainingOptions options = Options() with { Beta1 = 0.9, SubtractsDecoderBias = true };
        using SaeTrainer trainer = new(options, InitialWeights.Of(options, 6, Rows(0)));
        using (no_grad())
        {
            trainer.Weights.EncoderBias![1] = tensor(-100.0);
            trainer.Weights.EncoderBias![7] = tensor(-100.0);
        }
        for (int step = 0; step < 5; step++)
        {
            using ActivationBatch batch = new(Rows(step));
            trainer.Step(batch, isRecorded: false);
        }
        Dictionary<string, Tensor> before = trainer.Weights.Named.ToDictionary(one => one.Name, one => one.Value.detach().clone());
        Tensor moments = trainer.Adam.Second.Encoder!.clone();
        Assert.Equal(2, trainer.Resample(new Resampling { Batches = 2 }, [new(Rows(5)), new(Rows(6))]));
        foreach ((string name, Tensor weight) in trainer.Weights.Named)
        {
            long axis = SaeWeights.FeatureAxis(name) ?? 0;
            for (long feature = 0; feature < weight.shape[axis]; feature++)
            {
                bool is_same = weight.select(axis, feature).equal(before[name].select(axis, feature)).all().item<bool>();
                Assert.Equal(name == "b_dec" || feature is not (1 or 7), is_same);
            }
        }
        // Both directions are those of one input, and of no input twice.
        Tensor rows = trainer.Weights.Decoder[tensor(new long[] { 1, 7 })];
        Tensor candidates = nn.functional.normalize(cat([Rows(5), Rows(6)]).sub(trainer.Weights.DecoderBias));
        (Tensor cosines, Tensor which) = rows.mm(candidates.t()).max(-1);
        Assert.True(cosines.sub(1.0).abs().max().item<double>() < 1e-9);
        Assert.NotEqual(which[0].item<long>(), which[1].item<long>());
        // Adam knows nothing of the two, and what it knew of the others.
        foreach (SaeWeights known in new[] { trainer.Adam.First!, trainer.Adam.Second })
            Assert.Equal(0, known.Encoder![.., 7].abs().max().item<double>() + known.Decoder[1].abs().max().item<double>());
        Assert.True(moments[.., 0].equal(trainer.Adam.Second.Encoder![.., 0]).all().item<bool>());
        Assert.Equal((0L, 0.0), (trainer.Rows, trainer.Fired.sum().item<double>()));
        Assert.Equal(0, trainer.Resample(new Resampling(), [new(Rows(5))]) - 12); // nothing was counted since: all are at 0
    }

    /// <summary>What began anew moves as in a training that begins, and all else as if nothing had happened.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(0.9)]
    public void Adam_begins_anew_with_what_is_resampled(double beta1)
    {
        SaeTrainingOptions options = Options() with { Beta1 = beta1, LearningRate = 1e-3, DecayPart = 0 };
        using SaeTrainer trainer = new(options, InitialWeights.Of(options, 6, Rows(0)));
        for (int step = 0; step < 8; step++)
            Step(trainer, step);
        trainer.ClearCounts(); // so all features count as dead
        Assert.Equal(12, trainer.Resample(new Resampling(), [new(Rows(8))]));
        using SaeTrainer fresh = new(options, trainer.Weights.Select(
            (_, weight) => weight.detach().clone().requires_grad_().DetachFromDisposeScope()));
        for (int step = 0; step < 3; step++)
        {
            Step(trainer, step);
            Step(fresh, step);
            foreach ((string name, Tensor weight) in trainer.Weights.Named.Where(one => one.Name != "b_dec"))
                Assert.True(weight.allclose(fresh.Weights[name]!, 1e-9, 1e-9), name);
            // What is no feature's goes on as before.
            Assert.False(trainer.Weights.DecoderBias.allclose(fresh.Weights.DecoderBias, 1e-9, 1e-9));
            using (no_grad())
                fresh.Weights.DecoderBias.copy_(trainer.Weights.DecoderBias);
        }

        static void Step(SaeTrainer trainer, int step)
        {
            using ActivationBatch batch = new(Rows(step));
            trainer.Step(batch, isRecorded: false);
        }
    }

    [Fact]
    public void The_lazy_variant_begins_rare_features_in_random_directions()
    {
        SaeTrainingOptions options = Options();
        using SaeTrainer trainer = new(options, InitialWeights.Of(options, 6, Rows(0)));
        using (ActivationBatch batch = new(Rows(0)))
            trainer.Step(batch, isRecorded: false);
        double least = trainer.Fired.min().item<double>() / trainer.Rows;
        Tensor rare = trainer.Fired.eq(trainer.Fired.min());
        Tensor before = trainer.Weights.Decoder.detach().clone();
        Assert.Equal(rare.sum().item<long>(), trainer.Resample(new Resampling { IsLazy = true, MostFrequent = least }, []));
        Tensor changed = trainer.Weights.Decoder.ne(before).any(1);
        Assert.True(changed.equal(rare).all().item<bool>());
        Assert.True(trainer.Weights.Decoder.norm(-1).sub(1.0).abs().max().item<double>() < 1e-12);
        Assert.True(trainer.Weights.Encoder!.t()[rare].allclose(trainer.Weights.Decoder[rare]));
    }

    [Fact]
    public void Of_fewer_inputs_than_dead_features_only_so_many_begin_anew()
    {
        using Generator generator = new(1);
        Tensor chances = tensor(new[] { 0.0, 0.7, 0.3, 0.0 });
        Assert.Equal([1L, 2], Resampler.Drawn(chances, 3, generator).data<long>().ToArray().Order());
        Assert.Equal(0, Resampler.Drawn(zeros(4, float64), 3, generator).shape[0]);
    }

    [Fact]
    public void Inputs_are_drawn_by_their_squared_loss()
    {
        using Generator generator = new(3);
        Tensor chances = Resampler.Chances(tensor(new[] { 1.0, 2.0, 0.0 }));
        Assert.Equal([0.2, 0.8, 0], chances.data<double>().ToArray().Select(one => Math.Round(one, 12)));
        int second = Enumerable.Range(0, 2000).Count(_ => Resampler.Drawn(chances, 1, generator).item<long>() == 1);
        Assert.InRange(second, 1520, 1680);
    }

    private static SaeTrainingOptions Options() => new()
    {
        Objective = new SaeObjective.Standard(0.1),
        Features = 12,
        Steps = 100,
        WarmUpSteps = 0,
        SparsityWarmUpSteps = 0,
        LearningRate = 1e-3,
        Type = ScalarType.Float64,
    };

    private static Tensor Rows(int seed)
    {
        using Generator generator = new((ulong)seed + 200);
        return randn([32, 6], float64, generator: generator);
    }

    private static void Near(Tensor expected, Tensor actual) =>
        Assert.True(expected.sub(actual).abs().max().item<double>() < 1e-9, $"off by {expected.sub(actual).abs().max().item<double>()}");
}
