using Interventions.Binding;
using Interventions.Models.Decoder;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features.Tests.Steered;

/// <summary>How vectors are made, against closed forms.</summary>
public sealed class SteeringVectorTests : IDisposable
{
    private const string Site = "blocks.1.resid_pre";

    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly DecoderModel _model = SmallDecoders.Model("gpt2");
    private readonly Generator _generator = new(5);

    public void Dispose()
    {
        _generator.Dispose();
        _model.Dispose();
        _scope.Dispose();
    }

    [Fact]
    public void Equal_prompts_add_nothing_and_the_common_first_token_never_does()
    {
        using ActivationAddition same = ActivationAddition.Of(_model, [1, 5, 9], [1, 5, 9], Site, padding: 3);
        Assert.Equal(0, same.Vector.Norm, 1e-12);
        using ActivationAddition other = ActivationAddition.Of(_model, [1, 5, 9, 4], [1, 7], Site, padding: 3);
        Assert.Equal(4, other.Vector.Positions);
        Assert.InRange(other.Vector.Value[0].norm().item<double>(), 0, 1e-12);
        Assert.True(other.Vector.Value[1].norm().item<double>() > 0.1);
        // The shorter prompt is padded on the right.
        using ActivationAddition padded = ActivationAddition.Of(_model, [1, 5, 9, 4], [1, 7, 3, 3], Site, padding: 60);
        Near(other.Vector.Value, padded.Vector.Value, 0);
    }

    [Fact]
    public void Exchanged_prompts_with_the_other_sign_are_the_same_steering()
    {
        using ActivationAddition one = ActivationAddition.Of(_model, [1, 5, 9, 4], [1, 7], Site, padding: 3);
        using ActivationAddition other = ActivationAddition.Of(_model, [1, 7], [1, 5, 9, 4], Site, padding: 3);
        TokenPrompts target = new([[1, 8, 2, 6, 11, 30, 2]]);
        Near(Logits(Steering.With(one.Vector).On(_model, 3), target), Logits(Steering.With(other.Vector).On(_model, -3), target), 1e-12);
    }

    [Fact]
    public void A_target_that_is_shorter_than_the_vector_is_refused()
    {
        using ActivationAddition addition = ActivationAddition.Of(_model, [1, 5, 9, 4], [1, 7], Site, padding: 3);
        string message = Assert.Throws<InterventionException>(
            () => Logits(Steering.With(addition.Vector).On(_model), new TokenPrompts([[1, 8, 2]]))).Message;
        Assert.Contains("3", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_text_without_a_tokenizer_is_refused() => Assert.Contains(
        "has no tokenizer: give tokens", Assert.Throws<InterventionException>(
            () => ActivationAddition.Of(_model, " Love", " Hate", Site)).Message, StringComparison.Ordinal);

    [Fact]
    public void The_principal_direction_has_the_longest_differences_and_points_to_the_positive_side()
    {
        TokenPrompts positive = new([[1, 5, 9], [1, 6, 9], [1, 7, 10], [1, 8, 40]]);
        TokenPrompts negative = new([[1, 5, 3], [1, 6, 3], [1, 7, 4], [1, 8, 2]]);
        using ContrastivePairs pairs = ContrastivePairs.Of(_model, positive, negative, "blocks.*.resid_post");
        Assert.Equal(["blocks.0.resid_post", "blocks.1.resid_post", "blocks.2.resid_post"], pairs.Sites);
        using SteeringVector vector = pairs.PrincipalDirection(layer: 2);
        using RunResult plus = Intervention.On(_model).Capture("X", "blocks.2.resid_post[pos=end]").Run(positive);
        using RunResult minus = Intervention.On(_model).Capture("X", "blocks.2.resid_post[pos=end]").Run(negative);
        Tensor differences = (plus["X"] - minus["X"]).squeeze(1), power = differences.t().matmul(differences);
        Tensor image = power.matmul(vector.Value), largest = linalg.eigvalsh(power)[-1];
        Near(vector.Value * largest, image, 1e-9 * largest.item<double>());
        Assert.Equal(1, vector.Norm, 1e-12);
        Assert.True(differences.matmul(vector.Value).sum().item<double>() > 0);
        using SteeringVector means = pairs.DifferenceOfMeans(layer: 2);
        Near(differences.mean([0L]), means.Value, 1e-12);
        Assert.Contains("cosine to PCA", pairs.ToString(), StringComparison.Ordinal);
        Assert.All(pairs.ToString().Split('\n'), line => Assert.InRange(line.Length, 0, 80));
    }

    [Fact]
    public void A_mean_centred_vector_is_less_the_mean_of_ordinary_text()
    {
        TokenPrompts topic = new([[1, 5, 9], [1, 6, 9, 12]]), text = new([[1, 30, 31], [2, 32, 33], [3, 34, 35]]);
        using ContrastivePairs pairs = ContrastivePairs.Of(_model, topic, text, "blocks.1.resid_post", at: "end", negativeAt: "1..");
        using SteeringVector vector = pairs.DifferenceOfMeans();
        using RunResult end = Intervention.On(_model).Capture("X", "blocks.1.resid_post[pos=end]").Run(topic);
        using RunResult all = Intervention.On(_model).Capture("X", "blocks.1.resid_post[pos=1..]").Run(text);
        Near(end["X"].mean(0, 1) - all["X"].mean(0, 1), vector.Value, 1e-12);
        Assert.Contains(
            "2 positive and 3 negative", Assert.Throws<InvalidOperationException>(() => pairs.PrincipalDirection()).Message,
            StringComparison.Ordinal);
        Assert.Contains(
            "Layer 2 is not among blocks.1.resid_post", Assert.Throws<ArgumentException>(() => pairs.DifferenceOfMeans(2)).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(InputNorm.None)]
    [InlineData(InputNorm.LayerNorm)]
    [InlineData(InputNorm.ConstantNorm)]
    public void All_features_together_are_the_reconstruction_less_what_the_bias_adds(InputNorm norm)
    {
        using Sae sae = Dictionary(norm);
        Tensor x = Random(3, 8), y = Random(3, 8);
        using FeatureContrast contrast = FeatureContrast.Of(sae, x, y, Site);
        using SteeringVector reconstruction = contrast.Reconstruction(), all = contrast.Of([.. Enumerable.Range(0, sae.Features)]);
        Near(sae.Reconstruct(x) - sae.Reconstruct(y), reconstruction.Value, 1e-12);
        Tensor none = zeros(3, sae.Features, dtype: ScalarType.Float64);
        Near(reconstruction.Value - (sae.Decode(none, x) - sae.Decode(none, y)), all.Value, 1e-12);
        if (norm == InputNorm.None)
            Near((contrast.Positive - contrast.Negative).matmul(sae.Weights.Decoder), all.Value, 1e-12);
    }

    [Fact]
    public void Hand_picked_features_stand_where_they_are_asked_for()
    {
        using Sae sae = Dictionary(InputNorm.None);
        using FeatureContrast contrast = FeatureContrast.Of(sae, Random(3, 8), Random(3, 8), Site);
        using SteeringVector one = contrast.Of([(1, 4), (2, 7)]);
        Tensor change = contrast.Positive - contrast.Negative, expected = zeros(3, 8, dtype: ScalarType.Float64);
        expected[1] = change[1, 4] * sae.Weights.Decoder[4];
        expected[2] = change[2, 7] * sae.Weights.Decoder[7];
        Near(expected, one.Value, 1e-12);
        Assert.Equal("features 4, 7", one.Name);
        Assert.Throws<ArgumentException>(() => contrast.Of(99));
        Assert.Throws<ArgumentException>(() => contrast.Of([(3, 4)]));
    }

    [Fact]
    public void Features_of_one_side_alone_are_ranked_by_what_they_add()
    {
        // Features are the values' own dimensions, and decoder rows of length 1, 2, 3 and 4.
        using Sae sae = new(new SaeConfig(), new SaeWeights
        {
            Encoder = eye(4, dtype: ScalarType.Float64),
            EncoderBias = zeros(4, dtype: ScalarType.Float64),
            Decoder = diag(tensor(new double[] { 1, 2, 3, 4 })),
            DecoderBias = zeros(4, dtype: ScalarType.Float64),
        });
        Tensor x = tensor(new double[,] { { 1, 0, -1, 0 }, { 1, 0, 0, 0 } });
        Tensor y = tensor(new double[,] { { 0, 1, 0.5, 0 }, { 1, 1, 0, 0 } });
        using FeatureContrast contrast = FeatureContrast.Of(sae, x, y, Site);
        Assert.Equal([1, 2], contrast.OnlyNegative(5));
        Assert.Equal([1], contrast.OnlyNegative(1));
        Assert.Empty(contrast.OnlyPositive(5));
        Assert.Equal([1, 2, 0], contrast.Top(3));
        using SteeringVector vector = contrast.Of(contrast.OnlyNegative(1));
        Near(tensor(new double[,] { { 0, -2, 0, 0 }, { 0, -2, 0, 0 } }), vector.Value, 0);
        Assert.StartsWith(
            "feature  positive  negative   norm\n      1     0.000     1.000  2.828\n", contrast.ToString(), StringComparison.Ordinal);
        using SteeringVector row = SteeringVector.OfFeature(sae, 2, Site);
        Near(tensor(new double[] { 0, 0, 1, 0 }), row.Value, 0);
        Assert.Contains(
            "name no site", Assert.Throws<ArgumentException>(() => SteeringVector.OfFeature(sae, 2)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_vector_without_directions_has_nothing_along_them_and_is_saved()
    {
        Tensor value = Random(8), directions = Random(2, 8);
        using SteeringVector vector = new(Site, value, "some"), without = vector.Without(directions), again = without.Without(directions);
        Assert.InRange(directions.matmul(without.Value).abs().max().item<double>(), 0, 1e-12);
        Near(without.Value, again.Value, 1e-12);
        using TemporaryFolder folder = new();
        without.Save(folder["vector.safetensors"]);
        using SteeringVector loaded = SteeringVector.Load(folder["vector.safetensors"]);
        Assert.Equal(without.Value, loaded.Value);
        Assert.Equal((Site, "some"), (loaded.Site, loaded.Name));
        SafeTensors.Save(folder["other.safetensors"], new Dictionary<string, Tensor> { ["x"] = value });
        Assert.Contains(
            "is no steering vector", Assert.Throws<CheckpointException>(() => SteeringVector.Load(folder["other.safetensors"])).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("blocks.*.resid_post")]
    [InlineData("blocks.{layer}.resid_post")]
    [InlineData("blocks.1.resid_post[pos=end]")]
    [InlineData("blocks..")]
    public void A_path_of_no_single_site_is_refused(string path) =>
        Assert.Throws<ArgumentException>(() => new SteeringVector(path, ones(3)));

    [Fact]
    public void A_vector_is_a_copy_and_frees_it()
    {
        long before = LiveTensors.Count();
        using (Tensor value = ones(8).DetachFromDisposeScope())
        using (SteeringVector vector = new(Site, value))
        {
            value.mul_(2);
            Assert.Equal(Math.Sqrt(8), vector.Norm, 1e-12);
            vector.Unit().Dispose();
        }
        Assert.Equal(before, LiveTensors.Count());
    }

    private Sae Dictionary(InputNorm norm) => new(new SaeConfig { InputNorm = norm }, new SaeWeights
    {
        Encoder = Random(8, 12),
        EncoderBias = Random(12),
        Decoder = Random(12, 8),
        DecoderBias = Random(8),
    });

    private Tensor Random(params long[] shape) => randn(shape, ScalarType.Float64, generator: _generator);

    private static Tensor Logits(Intervention intervention, TokenPrompts prompts)
    {
        using RunResult run = intervention.Capture("Logits", "logits").Run(prompts);
        return run["Logits"].Values.clone();
    }

    private static void Near(Tensor expected, Tensor ours, double tolerance)
    {
        Assert.Equal(expected.shape, ours.shape);
        Assert.InRange((expected - ours).abs().max().item<double>(), 0, tolerance);
    }
}
