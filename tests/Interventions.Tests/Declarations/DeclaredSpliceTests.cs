using Interventions.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Declarations;

/// <summary>Which feature of the residual stream matters? Each is switched off, one after the other, and the error stays.</summary>
[Intervention<TinyGpt2, TinyPrompts>]
public sealed partial class FeatureSweep
{
    [Splice("blocks.1.resid_pre", Features = 5)] public required ISplice Sae { get; init; }

    [Patch("blocks.1.resid_pre.sae.features[feature={feature}; pos=end]")] static Tensor Off(Tensor features) => zeros_like(features);

    [Capture("blocks.1.resid_pre.sae.features[pos=end]")] static Tensor Active(Tensor features) => features.squeeze(1);

    [Capture("blocks.1.resid_pre[pos=end]")] static Tensor Residual(Tensor x) => x.squeeze(1);

    [Metric] static Tensor LogitDifference([Logit("right")] Tensor right, [Logit("wrong")] Tensor wrong) => right - wrong;
}

/// <summary>The same on any GPT-2.</summary>
[Intervention(Prompts = typeof(TinyPrompts))]
public sealed partial class AnyFeatureSweep<TModel>
    where TModel : Gpt2Model
{
    [Splice("blocks.1.resid_pre", Features = 5)] public required ISplice Sae { get; init; }

    [Patch("blocks.1.resid_pre.sae.features[feature={feature}; pos=end]")] static Tensor Off(Tensor features) => zeros_like(features);

    [Metric] static Tensor LogitDifference([Logit("right")] Tensor right, [Logit("wrong")] Tensor wrong) => right - wrong;
}

/// <summary>A model that sees reconstructions only, each layer those of its own dictionary.</summary>
[Intervention<TinyGpt2, TinyPrompts>]
public sealed partial class Reconstructed
{
    [Splice("blocks.*.mlp_out", ErrorTerm = false)] public required IReadOnlyList<ISplice> Saes { get; init; }

    [Capture("blocks.*.mlp_out.saes.original")] static Tensor Original(Tensor x) => x;

    [Capture("blocks.*.mlp_out")] static Tensor Written(Tensor x) => x;
}

public sealed class DeclaredSpliceTests : IDisposable
{
    private readonly TinyGpt2 _model = TinyGpt2.Random();
    private readonly TinyPrompts _prompts = DeclarationTests.Prompts(6, 4);
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        _model.Dispose();
    }

    [Fact]
    public void A_feature_that_is_switched_off_takes_its_direction_along()
    {
        Dictionary dictionary = new(0);
        using FeatureSweep.Result run = new FeatureSweep { Sae = dictionary }.Run(_model, _prompts);
        Assert.Equal([5, 2], run.LogitDifference.Values.shape);
        Close(dictionary.Encode(run.Clean.Residual), run.Clean.Active);
        Assert.True(run.Clean.Active.gt(0).sum().item<long>() is > 0 and < 10);
        for (int feature = 0; feature < 5; feature++)
        {
            Close(run.Clean.Residual - (run.Clean.Active[.., feature].unsqueeze(1) * dictionary.Directions[feature]), run.Residual[
                feature: feature]);
            // More than products of other shapes round otherwise.
            Tensor isOn = run.Clean.Active[.., feature].gt(0);
            Tensor isChanged = (run.LogitDifference[feature: feature] - run.Clean.LogitDifference).abs().gt(1e-5);
            Assert.True(isOn.eq(isChanged).all().item<bool>());
        }
        // Unchanged runs are the model's own, bit for bit.
        using HeadSweep.Result plain = new HeadSweep().Run(_model, _prompts);
        Assert.True(plain.Clean.LogitDifference.eq(run.Clean.LogitDifference).all().item<bool>());
    }

    [Fact]
    public void A_generic_declaration_splices_its_model()
    {
        Dictionary dictionary = new(0);
        using FeatureSweep.Result plain = new FeatureSweep { Sae = dictionary }.Run(_model, _prompts);
        using AnyFeatureSweep<TinyGpt2>.Result generic = new AnyFeatureSweep<TinyGpt2> { Sae = dictionary }.Run(_model, _prompts);
        Assert.True(plain.LogitDifference.Values.eq(generic.LogitDifference.Values).all().item<bool>());
        Assert.True(generic.LogitDifference.Values.ne(generic.Clean.LogitDifference).any().item<bool>());
    }

    [Fact]
    public void Without_the_error_term_each_layer_writes_its_reconstruction()
    {
        Dictionary[] dictionaries = [new(1), new(2)];
        using Reconstructed.Result run = new Reconstructed { Saes = dictionaries }.Run(_model, _prompts);
        for (int layer = 0; layer < 2; layer++)
        {
            Tensor original = run.Original[layer], decoded = dictionaries[layer].Decode(dictionaries[layer].Encode(original), original);
            // Padding is 0, whatever would be decoded of it.
            Close(decoded * run.Written[layer].ne(0), run.Written[layer]);
            Assert.True((original - run.Written[layer]).abs().max().item<double>() > 1e-3);
        }
        Close(run.Clean.Original, run.Clean.Written);
    }

    private static void Close(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        Assert.True((expected - actual).abs().max().item<double>() < 1e-9);
    }

    /// <summary>Five directions of the stream; a feature is as active as the value lies along its direction.</summary>
    private sealed class Dictionary(int seed) : ISplice
    {
        public Tensor Directions { get; } = (arange(60, dtype: float64) * (seed + 1.7)).sin().view(5, 12);

        public int Features => 5;

        public Tensor Encode(Tensor x) => x.matmul(Directions.t()).relu();

        public Tensor Decode(Tensor features, Tensor x) => features.matmul(Directions);
    }
}
