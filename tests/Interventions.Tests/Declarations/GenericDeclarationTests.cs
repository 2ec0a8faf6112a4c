using Interventions.Models;
using static TorchSharp.torch;

namespace Interventions.Tests.Declarations;

/// <summary>Patches a head of any GPT-2.</summary>
[Intervention(Prompts = typeof(TinyPrompts))]
public sealed partial class AnyHeadSweep<TModel>
    where TModel : Gpt2Model
{
    [Patch("blocks.{layer}.attn.z[head={head}; pos=end]")]
    static Tensor FromCorrupted([From("corrupted")] Tensor corrupted) => corrupted;

    [Metric]
    static Tensor LogitDifference([Logit("right")] Tensor right, [Logit("wrong")] Tensor wrong) => right - wrong;
}

/// <summary>Has a path that a model of two layers lacks.</summary>
[Intervention(Prompts = typeof(TinyPrompts))]
public sealed partial class TooDeep<TModel>
    where TModel : Gpt2Model
{
    [Patch("blocks.2.mlp_out")]
    static Tensor Silence(Tensor x) => zeros_like(x);
}

public sealed class GenericDeclarationTests : IDisposable
{
    private readonly TinyGpt2 _model = TinyGpt2.Random();

    public void Dispose() => _model.Dispose();

    [Fact]
    public void A_generic_intervention_is_the_one_on_its_model()
    {
        TinyPrompts prompts = DeclarationTests.Prompts(6, 4);
        using AnyHeadSweep<TinyGpt2>.Result generic = new AnyHeadSweep<TinyGpt2>().Run(_model, prompts);
        using HeadSweep.Result plain = new HeadSweep().Run(_model, prompts);
        Assert.Equal([2, 3, 2], generic.LogitDifference.Values.shape);
        Assert.True(equal(plain.LogitDifference.Values, generic.LogitDifference.Values).all().item<bool>());
        Assert.True(equal(plain.Clean.LogitDifference, generic.Clean.LogitDifference).all().item<bool>());
    }

    [Fact]
    public void On_a_model_that_only_the_run_knows_it_refuses_in_the_analyzers_words()
    {
        InterventionException refused = Assert.Throws<InterventionException>(() => Run(_model, DeclarationTests.Prompts(6)));
        Assert.Contains("layer 2 of 'blocks.2.mlp_out' is out of range: TinyGpt2 has 2 layers (0 to 1)", refused.Message);

        static void Run<TModel>(TModel model, TinyPrompts prompts)
            where TModel : Gpt2Model => new TooDeep<TModel>().Run(model, prompts).Dispose();
    }
}
