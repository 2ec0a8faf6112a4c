using System.Text.Json;
using Interventions.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features.Tests.Training;

/// <summary>Terms of the loss, and steps, in cases whose answer is known.</summary>
public sealed class OracleTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    /// <summary>(a − f)² + λf is least at f = a − λ/2: with λ = 0.4, 1.3 becomes 1.1.</summary>
    [Fact]
    public void A_single_atom_shrinks_by_half_of_the_coefficient()
    {
        Tensor x = zeros(64, 4, float64);
        x[.., 0] = tensor(1.3);
        SaeTrainingOptions options = new()
        {
            Objective = new SaeObjective.Standard(0.4),
            Features = 1,
            Steps = 3000,
            LearningRate = 1e-3,
            WarmUpSteps = 0,
            SparsityWarmUpSteps = 0,
            BeginsAtMedian = false,
            SubtractsDecoderBias = false,
            Type = ScalarType.Float64,
        };
        // Without the decoder's bias, which would learn the mean: its gradient is taken back after every step.
        using SaeTrainer trainer = new(options, new SaeWeights
        {
            Encoder = Weight(tensor(new[] { 0.5, 0, 0, 0 }).view(4, 1)),
            EncoderBias = Weight(zeros(1, float64)),
            Decoder = Weight(tensor(new[] { 1.0, 0, 0, 0 }).view(1, 4)),
            DecoderBias = Weight(zeros(4, float64)),
        });
        using ActivationBatch batch = new(x);
        for (int step = 0; step < options.Steps; step++)
        {
            trainer.Step(batch, isRecorded: false);
            using (no_grad())
                trainer.Weights.DecoderBias.zero_();
        }
        using Sae sae = trainer.ToSae();
        Assert.Equal(1.1, sae.Encode(x)[0, 0].item<double>(), 1e-3);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Decoder_rows_keep_norm_1_and_their_gradient_stays_across_them(int kind)
    {
        SaeTrainingOptions options = Options(kind) with { HasUnitNorm = true, LearningRate = 0.05, Beta1 = 0.5 };
        using SaeTrainer trainer = new(options, InitialWeights.Of(options, 6, randn(16, 6, float64)));
        for (int step = 0; step < 10; step++)
        {
            using ActivationBatch batch = new(Rows(step));
            using (enable_grad())
            {
                Tensor[] gradients = Derivatives.Of(
                    SaeLosses.Of(trainer.Weights, options, trainer.Of(batch)).Total, [.. trainer.Weights.Named.Select(one => one.Value)]);
                int place = trainer.Weights.Named.Select(one => one.Name).ToList().IndexOf("W_dec");
                Assert.True(gradients[place].mul(trainer.Weights.Decoder).sum(-1).abs().max().item<double>() > 1e-6);
                using (no_grad())
                    trainer.Prepared(gradients, wantsNorm: false);
                Assert.True(gradients[place].mul(trainer.Weights.Decoder).sum(-1).abs().max().item<double>() < 1e-12);
            }
            trainer.Step(batch, isRecorded: false);
            Assert.True(trainer.Weights.Decoder.norm(-1).sub(ones(12, float64)).abs().max().item<double>() < 1e-12);
        }
    }

    /// <summary>The gradient of N identical dead features falls with N, or does not where the term is rescaled.</summary>
    [SharedFact("reference/features/training/ghost_identical_features.json")]
    public void Ghost_gradients_of_identical_features_are_those_of_the_reference()
    {
        using JsonDocument stored = JsonDocument.Parse(
            File.ReadAllText(SharedData.Path("reference/features/training/ghost_identical_features.json")));
        foreach (IGrouping<string, JsonElement> variant in
            stored.RootElement.EnumerateArray().GroupBy(one => one.GetProperty("variant").GetString()!))
        {
            GhostScale scale = variant.Key == "original" ? GhostScale.Original : GhostScale.Rescaled;
            JsonElement first = variant.First();
            (double loss, double gradient) = Ghost(scale, 1);
            foreach (JsonElement one in variant)
            {
                int count = one.GetProperty("identical_dead_features").GetInt32();
                (double loss_of_many, double gradient_of_many) = Ghost(scale, count);
                // Other weights than the reference's: its ratios are ours, up to the 1e-6 beside the norm.
                Assert.Equal(Ratio("ghost_loss"), loss_of_many / loss, 1e-4);
                Assert.Equal(Ratio("gradient_of_b_enc_0"), gradient_of_many / gradient, 1e-4);

                double Ratio(string name) => one.GetProperty(name).GetDouble() / first.GetProperty(name).GetDouble();
            }
        }
    }

    [Fact]
    public void A_ghost_is_half_as_long_as_the_error_and_finite()
    {
        (LossPass pass, Tensor z, Tensor error) = GhostPass(3, zOfDead: 50);
        Tensor dead = tensor(new long[] { 0, 1, 2 });
        Tensor term = DeadFeatures.Ghosts(new GhostGradients { Scale = GhostScale.DeadOnlyRescaled }, pass, z, dead, error);
        // ‖s·g − e‖² with ‖s·g‖ = ‖e‖/2 lies between the quarter and nine quarters of ‖e‖².
        double squares = error.pow(2).sum(-1).mean().item<double>() * 3 / 20;
        Assert.InRange(term.item<double>(), (0.25 * squares) - 1e-6, (2.25 * squares) + 1e-6);
        Assert.True(double.IsFinite(Derivatives.Of(term, z)[0].sum().item<double>()));
        Tensor unbounded = DeadFeatures.Ghosts(new GhostGradients { IsUnbounded = true }, pass, z.mul(20.0), dead, error);
        Assert.False(double.IsFinite(Derivatives.Of(unbounded, z)[0].sum().item<double>()));
    }

    [Fact]
    public void Without_dead_features_there_are_no_terms_of_them()
    {
        SaeObjective[] objectives =
        [
            new SaeObjective.Standard(0.1) { Ghosts = new GhostGradients() }, new SaeObjective.TopK(2),
            new SaeObjective.JumpRelu(new JumpPenalty.Step(0.1)) { DeadPenalty = 1 },
        ];
        foreach (SaeObjective objective in objectives)
        {
            SaeTrainingOptions options = Options(0) with { Objective = objective, DeadAfter = 3 };
            using SaeTrainer trainer = new(options, InitialWeights.Of(options, 6, randn(16, 6, float64)));
            using ActivationBatch batch = new(Rows(0));
            SaeTrainingStep alive = trainer.Step(batch, isRecorded: true)!;
            SaeTrainingStep dead = trainer.Step(batch, isRecorded: true, tensor(new long[] { 1, 4 }))!;
            Assert.Equal(alive.Terms.Count + 1, dead.Terms.Count);
        }
    }

    /// <summary>A feature that has not fired for so many steps is dead; one that fires is not.</summary>
    [Fact]
    public void Features_are_dead_after_steps_without_any_activity()
    {
        SaeTrainingOptions options = Options(0) with { DeadAfter = 3, LearningRate = 1e-30 };
        using SaeTrainer trainer = new(options, InitialWeights.Of(options, 6, randn(16, 6, float64)));
        using (no_grad())
            trainer.Weights.EncoderBias![2] = tensor(-100.0);
        for (int step = 1; step <= 4; step++)
        {
            using ActivationBatch batch = new(Rows(0));
            Assert.Equal(step < 3 ? 0 : 1, trainer.Step(batch, isRecorded: true)!.DeadFeatures);
        }
        Assert.Equal([0L, 0, 4, 0], trainer.Idle[..4].data<long>().ToArray());
        Assert.Equal((4 * 32L, 0.0), (trainer.Rows, trainer.Fired[2].item<double>()));
    }

    [SharedFact("reference/features/training/jumprelu_by_hand.json")]
    public void Gradients_of_a_jump_are_those_by_hand()
    {
        using JsonDocument stored = JsonDocument.Parse(
            File.ReadAllText(SharedData.Path("reference/features/training/jumprelu_by_hand.json")));
        Assert.Equal(4, stored.RootElement.GetArrayLength());
        foreach (JsonElement one in stored.RootElement.EnumerateArray())
        {
            Tensor z = Leaf(one.GetProperty("z").GetDouble()).view(1, 1), theta = Leaf(one.GetProperty("theta").GetDouble());
            SaeObjective.JumpRelu jump = new(new JumpPenalty.Step(1)) { Bandwidth = one.GetProperty("bandwidth").GetDouble() };
            Jump at = Jump.Of(z, theta, jump);
            Is("d_f_d_z", Derivatives.Of(at.Features.sum(), z)[0]);
            Is("d_f_d_theta", Derivatives.Of(at.Features.sum(), theta)[0]);
            Is("d_H_d_theta", Derivatives.Of(at.Counts.sum(), theta)[0]);
            Assert.Equal(0, Derivatives.OrNull(at.Counts.sum(), z)?.item<double>() ?? 0);
            // What goes to θ goes to z with the other sign, where it is asked for.
            Jump passing = Jump.Of(z, theta, jump with { PassesGradientToInput = true });
            Assert.Equal(at.Features.item<double>(), passing.Features.item<double>());
            Assert.Equal(
                one.GetProperty("d_f_d_z").GetDouble() - one.GetProperty("d_f_d_theta").GetDouble(),
                Derivatives.Of(passing.Features.sum(), z)[0].item<double>(), 1e-12);
            Assert.Equal(-one.GetProperty("d_H_d_theta").GetDouble(), Derivatives.Of(passing.Counts.sum(), z)[0].item<double>(), 1e-12);

            void Is(string name, Tensor value) => Assert.Equal(one.GetProperty(name).GetDouble(), value.item<double>(), 1e-12);
        }

        static Tensor Leaf(double number) => tensor(new[] { number }).requires_grad_();
    }

    [Fact]
    public void Choosing_all_features_is_the_standard_dictionary_without_a_penalty()
    {
        SaeTrainingOptions standard = Options(0) with { Objective = new SaeObjective.Standard(0) };
        SaeTrainingOptions all = standard with { Objective = new SaeObjective.TopK(12) };
        SaeTrainingOptions batch_all = standard with { Objective = new SaeObjective.BatchTopK(12) };
        using ActivationBatch batch = new(Rows(0));
        Tensor[][] gradients = [.. new[] { standard, all, batch_all }.Select(options =>
        {
            using SaeTrainer trainer = new(options, InitialWeights.Of(options, 6, Rows(1)));
            return Derivatives.Of(
                SaeLosses.Of(trainer.Weights, options, trainer.Of(batch)).Total, [.. trainer.Weights.Named.Select(one => one.Value)]);
        })];
        foreach ((Tensor expected, Tensor of_all, Tensor of_batch) in
            gradients[0].Zip(gradients[1], gradients[2]))
        {
            Assert.True(expected.allclose(of_all, 1e-12, 1e-12));
            Assert.True(expected.allclose(of_batch, 1e-12, 1e-12));
        }
    }

    /// <summary>Every gradient of every objective, without jumps, against differences.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Gradients_are_those_of_differences(bool isTranscoder)
    {
        SaeTrainingOptions options = Options(0) with
        {
            Objective = new SaeObjective.Standard(0.3),
            HasUnitNorm = false,
            IsTranscoder = isTranscoder,
            HasSkip = isTranscoder,
        };
        using ActivationBatch batch = isTranscoder ? new(Rows(0), randn(32, 5, float64)) : new(Rows(0));
        using SaeTrainer trainer = new(options, InitialWeights.Of(options, 6, batch.Target));
        (string Name, Tensor Value)[] weights = [.. trainer.Weights.Named];
        Tensor[] gradients = Derivatives.Of(Loss(), [.. weights.Select(one => one.Value)]);
        const double Step = 1e-6;
        for (int i = 0; i < weights.Length; i++)
        {
            using IDisposable mode = no_grad();
            Tensor direction = randn_like(weights[i].Value);
            weights[i].Value.add_(direction.mul(Step));
            double above = Loss().item<double>();
            weights[i].Value.add_(direction.mul(-2 * Step));
            double below = Loss().item<double>();
            weights[i].Value.add_(direction.mul(Step));
            Assert.Equal((above - below) / (2 * Step), gradients[i].mul(direction).sum().item<double>(), 1e-5);
        }

        Tensor Loss() => SaeLosses.Of(trainer.Weights, options, trainer.Of(batch)).Total;
    }

    private static (double Loss, double Gradient) Ghost(GhostScale scale, int count)
    {
        using DisposeScope scope = NewDisposeScope();
        (LossPass pass, Tensor z, Tensor error) = GhostPass(count, zOfDead: -0.7);
        Tensor dead = tensor(Enumerable.Range(0, count).Select(i => (long)i).ToArray());
        Tensor term = DeadFeatures.Ghosts(new GhostGradients { Scale = scale }, pass, z, dead, error);
        return (term.item<double>(), Derivatives.Of(term, z)[0][.., 0].sum().item<double>());
    }

    /// <summary>Twenty features, of which the first ones are dead and all alike.</summary>
    private static (LossPass Pass, Tensor Z, Tensor Error) GhostPass(int dead, double zOfDead)
    {
        using Generator generator = new(5);
        Tensor decoder = randn([20, 6], float64, generator: generator), error = randn([16, 6], float64, generator: generator);
        Tensor first = decoder[0].clone();
        for (int i = 1; i < dead; i++)
            decoder[i] = first;
        Tensor z = zeros(16, 20, float64).add(zOfDead).add(randn([16, 1], float64, generator: generator).mul(0.1)).requires_grad_();
        SaeTrainingOptions options = Options(0);
        SaeWeights weights = new() { Decoder = decoder, DecoderBias = zeros(6, float64) };
        return (new LossPass(weights, options, new TrainingRows(error, error, error)), z, error);
    }

    private static SaeTrainingOptions Options(int kind) => new()
    {
        Objective = kind switch
        {
            0 => new SaeObjective.Standard(0.1),
            1 => new SaeObjective.Gated(0.1),
            2 => new SaeObjective.TopK(3),
            _ => new SaeObjective.JumpRelu(new JumpPenalty.Step(0.1)) { Bandwidth = 0.5, InitialThreshold = 0.1 },
        },
        Features = 12,
        Steps = 100,
        WarmUpSteps = 0,
        SparsityWarmUpSteps = 0,
        Type = ScalarType.Float64,
    };

    private static Tensor Rows(int seed)
    {
        using Generator generator = new((ulong)seed + 100);
        return randn([32, 6], float64, generator: generator);
    }

    private static Tensor Weight(Tensor value) => value.clone().requires_grad_().DetachFromDisposeScope();
}
