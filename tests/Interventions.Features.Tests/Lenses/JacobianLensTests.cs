using Interventions.Features.Tests.Probes;
using Interventions.Models;
using Interventions.Models.Decoder;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features.Tests.Lenses;

/// <summary>The Jacobian lens by a linear model, by finite differences, and by a pass through what follows.</summary>
public sealed class JacobianLensTests
{
    private static readonly RandomTexts s_texts = new(3, 61, seed: 6, shortest: 7, longest: 9);

    [Fact]
    public void Of_the_last_block_it_is_the_identity()
    {
        using DecoderModel model = SmallDecoders.Model("llama");
        using Lens lens = JacobianLens.Fit(model, s_texts, new() { SkippedTokens = 1 });
        Assert.True(SmallDecoders.Same(lens.Weights![2], eye(32, dtype: ScalarType.Float64)));
        Assert.Equal(0, lens.Read(model, s_texts).Divergences[^1], 1e-12);
    }

    [Fact]
    public void Of_a_linear_model_it_is_exact()
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = Linear();
        using Lens lens = JacobianLens.Fit(model, s_texts, new() { SkippedTokens = 2 });
        Tensor after = eye(32, dtype: ScalarType.Float64);
        for (int layer = 2; layer >= 0; layer--)
        {
            double worst = (lens.Weights![layer] - after).abs().max().item<double>() / after.abs().max().item<double>();
            Assert.True(worst < 1e-12, $"{layer}: off by {worst} of {after.abs().max().item<double>()}");
            // What this block does, in front of what follows it.
            Tensor block = model.Weights[$"blocks.{layer}.mlp.in.weight"].t().matmul(model.Weights[$"blocks.{layer}.mlp.out.weight"].t());
            after = (eye(32, dtype: ScalarType.Float64) + block).matmul(after);
        }
        Assert.All(lens.Read(model, s_texts).Divergences, divergence => Assert.Equal(0, divergence, 1e-12));
        using Lens logit = Lens.Logit(model);
        Assert.True(logit.Read(model, s_texts).Divergences[0] > 1e-3);
    }

    [Theory]
    [InlineData("gpt2")]
    [InlineData("llama")]
    [InlineData("gemma2")]
    public void It_is_what_a_small_change_of_all_streams_does_to_all_last_ones(string family)
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = SmallDecoders.Model(family);
        using Lens lens = JacobianLens.Fit(model, s_texts, new() { SkippedTokens = 2, Run = new() { BatchSize = 2 } });
        const double Step = 1e-5;
        foreach ((int layer, int dimension) in new[] { (0, 3), (1, 17), (1, 30) })
        {
            Tensor direction = zeros([32], ScalarType.Float64);
            direction[dimension] = 1;
            Tensor slope = (Ends(Step) - Ends(-Step)) / (2 * Step);
            double worst = (slope - lens.Weights![layer, dimension]).abs().max().item<double>();
            Assert.True(worst < 1e-6 * Math.Max(1, slope.abs().max().item<double>()), $"{layer}: off by {worst}");

            // Of each prompt the sum over targets, over the number of sources; then the mean over prompts.
            Tensor Ends(double by)
            {
                using RunResult run = Intervention.On(model).Add($"blocks.{layer}.resid_post[pos=2..-2]", direction, by)
                    .Capture("Last", "blocks.2.resid_post[pos=2..-2]", x => x.mean([1L])).Run(s_texts, new() { Naive = true });
                return run["Last"].Values.mean([0L]).DetachFromDisposeScope();
            }
        }
    }

    [Fact]
    public void How_many_derivatives_are_taken_at_once_changes_nothing()
    {
        using DecoderModel model = SmallDecoders.Model("gpt2");
        using Lens whole = JacobianLens.Fit(model, s_texts, new() { SkippedTokens = 1 });
        using Lens little = JacobianLens.Fit(
            model, s_texts, new() { SkippedTokens = 1, Run = new() { BatchSize = 1, MemoryBudget = 1 << 19 } });
        Assert.True((whole.Weights! - little.Weights!).abs().max().item<double>() < 1e-9);
    }

    [Fact]
    public void A_stopped_fit_goes_on_to_the_same_bytes()
    {
        using TemporaryFolder folder = new();
        using DecoderModel model = SmallDecoders.Model("gpt2");
        JacobianLensOptions options = new() { SkippedTokens = 1, Run = new() { BatchSize = 1 } };
        using Lens whole = JacobianLens.Fit(model, s_texts, options);
        using CancellationTokenSource source = new();
        string path = Path.Combine(folder.Path, "lens.safetensors");
        int last = 0;
        Progress stopper = new(progress =>
        {
            Assert.True(progress.Done > last && progress.Total == 3 * 32);
            last = progress.Done;
            if (last > 32)
                source.Cancel();
        });
        Assert.ThrowsAny<OperationCanceledException>(() => JacobianLens.Fit(
            model, s_texts, options with { Path = path, Run = options.Run with { Progress = stopper } }, source.Token));
        Assert.True(File.Exists(path));
        using Lens resumed = JacobianLens.Fit(model, s_texts, options with { Path = path });
        Assert.True(SmallDecoders.Same(whole.Weights!, resumed.Weights!));
        Assert.Contains("other weights", Assert.Throws<InterventionException>(() =>
        {
            using DecoderModel other = SmallDecoders.Model("gpt2", seed: 9);
            JacobianLens.Fit(other, s_texts, options with { Path = path }).Dispose();
        }).Message);
    }

    [Fact]
    public void Contexts_that_are_too_short_are_refused()
    {
        using DecoderModel model = SmallDecoders.Model("gpt2");
        Assert.Contains("18 at least", Assert.Throws<ArgumentException>(() => JacobianLens.Fit(model, s_texts)).Message);
        Assert.Contains("no text", Assert.Throws<ArgumentException>(() => JacobianLens.Fit(model, Corpus.OfTokens([]))).Message);
    }

    [Theory]
    [InlineData("gpt2")]
    [InlineData("gemma2")]
    public void A_captured_gradient_is_a_finite_difference_and_that_of_a_pass_that_begins_there(string family)
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = SmallDecoders.Model(family);
        const string Site = "blocks.1.resid_post";
        Tensor ids = tensor(s_texts.Tokens(0).ToArray()).unsqueeze(0);
        RandomTexts one = new(1, 61, seed: 6, shortest: 7, longest: 9);
        using RunResult run = Intervention.On(model).Entropy().Gradient("Slope", Site).Run(one);
        Tensor slope = run.Run("clean")["Slope"];

        Tensor leaf = SmallDecoders.Read(model, ids, Site).detach().requires_grad_();
        Tensor entropy = Metrics.Entropy(SmallDecoders.Read(model, ids, "logits", (Site, _ => leaf))[TensorIndex.Colon, -1]);
        Tensor again = autograd.grad([entropy.sum()], [leaf])[0];
        Assert.True((slope - again).abs().max().item<double>() < 1e-12);

        Tensor direction = Drawn(32);
        double difference = (Entropy(1e-5) - Entropy(-1e-5)) / 2e-5;
        Assert.Equal(slope.sum([0L, 1L]).dot(direction).item<double>(), difference, 1e-6);

        double Entropy(double by)
        {
            using RunResult changed = Intervention.On(model).Add(Site, direction, by).Entropy().Run(one);
            return changed["Entropy"].Values.item<double>();
        }

        static Tensor Drawn(long width)
        {
            using Generator generator = new(3, CPU);
            return randn([width], ScalarType.Float64, generator: generator);
        }
    }

    /// <summary>
    /// A model whose blocks are linear: attention writes nothing, and every neuron is far on the side where relu leaves it as it is, which
    /// the output bias takes back.
    /// </summary>
    private static DecoderModel Linear()
    {
        DecoderConfig config = NormFreeModel.Configure(
            layers: 3, heads: 4, d_model: 32, neurons: 40, vocabularySize: 61, contextLength: 16);
        DecoderModel model = SmallDecoders.Model(config with { Activation = Models.Decoder.Activation.Relu });
        using var _ = no_grad();
        for (int layer = 0; layer < 3; layer++)
        {
            model.Weights[$"blocks.{layer}.attn.out.weight"].zero_();
            model.Weights[$"blocks.{layer}.attn.out.bias"].zero_();
            Tensor bias = model.Weights[$"blocks.{layer}.mlp.in.bias"];
            bias.zero_().add_(1000);
            model.Weights[$"blocks.{layer}.mlp.out.bias"].copy_(-model.Weights[$"blocks.{layer}.mlp.out.weight"].mv(bias));
        }
        return model;
    }

    private sealed class Progress(Action<RunProgress> report) : IProgress<RunProgress>
    {
        public void Report(RunProgress value) => report(value);
    }
}
