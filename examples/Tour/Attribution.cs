using Interventions.Models.Decoder;
using static TorchSharp.torch;

namespace Interventions.Examples.Tour;

/// <summary>Attribution patching: one backward pass instead of one run a head (Syed et al. 2023, arXiv:2310.10348).</summary>
[Intervention(Prompts = typeof(IoiPrompts))]
public sealed partial class Attribution<TModel> : NameTask<TModel>
    where TModel : DecoderModel
{
    [Gradient("blocks.*.attn.z[pos=end]")]
    static Tensor Estimate(Tensor gradient, Tensor z, [From("corrupted")] Tensor corrupted) => (gradient * (corrupted - z)).sum([1L, 3L]);

    public static void Study(TModel model, IoiPrompts prompts, Report report)
    {
        using var run = new Attribution<TModel>().Run(model, prompts, report.Options);
        using var exact = new Noising<TModel>().Run(model, prompts, report.Options);
        using Tensor estimate = run.Estimate.mean([1L]), effect = exact.LogitDifference.Change.mean([2L]);
        report.Heads("estimated effect", estimate);
        report.Show("correlation with the exact one", corrcoef(stack([estimate.flatten(), effect.flatten()]))[0, 1]);
    }
}
