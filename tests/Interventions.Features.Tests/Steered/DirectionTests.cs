using Interventions.Binding;
using Interventions.Models;
using Interventions.Models.Decoder;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features.Tests.Steered;

/// <summary>Edits along directions, and directions that are taken out of activations or of weights.</summary>
public sealed class DirectionTests : IDisposable
{
    private const double Tolerance = 1e-9;

    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly Generator _generator = new(11);

    /// <summary>Families whose blocks add what a norm gives, or whose stream begins with one.</summary>
    private static readonly string[] s_refused = ["gemma2", "gemma3_text", "olmo2", "bloom"];

    public static IEnumerable<object[]> Families => SmallDecoders.Families;

    public void Dispose()
    {
        _generator.Dispose();
        _scope.Dispose();
    }

    [Fact]
    public void What_is_removed_once_is_removed()
    {
        Tensor x = Random(4, 7, 6), directions = Random(2, 6), mean = Random(6);
        foreach (Tensor? about in new[] { null, mean })
        {
            Tensor once = DirectionEdits.Removed(x, directions, about), twice = DirectionEdits.Removed(once, directions, about);
            Near(once, twice);
            Tensor left = about is null ? once : once - about;
            Assert.InRange(left.matmul(directions.t()).abs().max().item<double>(), 0, Tolerance); // both, though they are not orthogonal
        }
        Tensor oneByOne = DirectionEdits.Removed(DirectionEdits.Removed(x, directions[0]), directions[1]);
        Assert.True(oneByOne.matmul(directions[0]).abs().max().item<double>() > 0.01);
    }

    [Fact]
    public void A_projection_is_set_and_a_reflection_undone()
    {
        Tensor x = Random(4, 6), u = Random(6), unit = u / u.norm();
        Near(full([4], 2.5, ScalarType.Float64), DirectionEdits.WithProjection(x, u, 2.5).matmul(unit));
        Near(DirectionEdits.Removed(x, u), DirectionEdits.WithProjection(x, u, 0));
        Tensor reflected = DirectionEdits.Reflected(x, u);
        Near(-x.matmul(unit), reflected.matmul(unit));
        Near(x, DirectionEdits.Reflected(reflected, u));
    }

    [Fact]
    public void Directions_that_are_none_are_refused()
    {
        Intervention bare = Intervention.On(SmallDecoders.Model("gpt2"));
        Tensor one = ones(32, ScalarType.Float64), other = Random(32);
        Refused("Direction 1 has the length 0", stack([one, zeros_like(one)]));
        Refused("Direction 2 is made of those before it", stack([one, other, (2 * one) - other]));
        Refused("Directions are [d] or [direction, d]", Random(2, 2, 32));
        Refused("Direction 0 has the length NaN", one * double.NaN);
        Assert.Contains(
            "their last axes differ", Assert.Throws<ArgumentException>(() => DirectionEdits.Removed(Random(3, 5), one)).Message,
            StringComparison.Ordinal);

        void Refused(string message, Tensor directions) => Assert.Contains(
            message, Assert.Throws<ArgumentException>(() => bare.RemoveDirections("blocks.0.resid_post", directions)).Message,
            StringComparison.Ordinal);
    }

    /// <summary>The proof that both agree: logits of every family whose weights can be changed, by the plan and by the naive run.</summary>
    [Theory]
    [MemberData(nameof(Families))]
    public void Weights_without_directions_are_activations_without_them(string family)
    {
        using DecoderModel model = SmallDecoders.Model(family);
        Tensor directions = Random(2, model.Config.DModel);
        if (s_refused.Contains(family))
        {
            Assert.Contains(
                "cannot be taken out of the weights", Assert.Throws<InvalidOperationException>(
                    () => model.WithoutDirections(directions)).Message, StringComparison.Ordinal);
            return;
        }
        TokenPrompts prompts = new([[1, 5, 9, 4, 2], [1, 8, 3, 3, 30]]);
        Intervention removed = Intervention.On(model).RemoveFromStream(directions).Capture("Logits", "logits");
        using DecoderModel without = model.WithoutDirections(directions);
        using RunResult planned = removed.Run(prompts), naive = removed.Run(prompts, new() { Naive = true });
        using RunResult ofWeights = Intervention.On(without)
            .Capture("Logits", "logits").Capture("Stream", "blocks.*.resid_post").Run(prompts);
        Near(naive["Logits"], planned["Logits"]);
        Near(naive["Logits"], ofWeights["Logits"]);
        Assert.True((planned["Logits"] - planned.Run("text")["Logits"]).abs().max().item<double>() > 0.01);
        Assert.InRange(ofWeights["Stream"].Values.matmul(directions.t()).abs().max().item<double>(), 0, Tolerance);
        Assert.Equal("without 2 directions", without.WeightsNote);
        Assert.NotEqual(model.WeightsFingerprint(), without.WeightsFingerprint());
    }

    [Fact]
    public void What_norms_write_loses_directions_in_activations()
    {
        using DecoderModel model = SmallDecoders.Model("gemma2");
        Tensor directions = Random(2, model.Config.DModel);
        using RunResult run = Intervention.On(model).RemoveFromStream(directions).Capture("Stream", "blocks.*.resid_post")
            .Run(new TokenPrompts([[1, 5, 9, 4, 2]]));
        Assert.InRange(run["Stream"].Values.matmul(directions.t()).abs().max().item<double>(), 0, Tolerance);
    }

    [Theory]
    [InlineData("gpt2")]
    [InlineData("llama")]
    public void A_model_without_directions_is_saved_and_processed_like_others(string family)
    {
        using DecoderModel model = SmallDecoders.Model(family);
        Tensor ids = SmallDecoders.Prompts(), direction = Random(model.Config.DModel);
        using DecoderModel without = model.WithoutDirections(direction), twice = without.WithoutDirections(Random(model.Config.DModel));
        Tensor logits = without.Forward(ids);
        using TemporaryFolder folder = new();
        without.Save(folder.Path);
        using DecoderModel loaded = DecoderModel.Load(folder.Path, ScalarType.Float64);
        Near(logits, loaded.Forward(ids));
        using DecoderModel folded = without.Processed(WeightProcessing.FoldNorms);
        Near(logits.log_softmax(-1), folded.Forward(ids).log_softmax(-1));
        Assert.Equal("FoldNorms, without 1 direction", folded.WeightsNote);
        Assert.Equal("without 1 direction, without 1 direction", twice.WeightsNote);
        Assert.Null(model.WeightsNote);
    }

    private Tensor Random(params long[] shape) => randn(shape, ScalarType.Float64, generator: _generator);

    private static void Near(Tensor expected, Tensor ours)
    {
        Assert.Equal(expected.shape, ours.shape);
        Assert.InRange((expected - ours).abs().max().item<double>(), 0, Tolerance);
    }
}
