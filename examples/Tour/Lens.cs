using Interventions.Models.Decoder;
using static TorchSharp.torch;

namespace Interventions.Examples.Tour;

/// <summary>The logit lens: what the model would say if it stopped after a layer (nostalgebraist 2020).</summary>
[Intervention(Prompts = typeof(IoiPrompts))]
public sealed partial class Lens<TModel>
    where TModel : DecoderModel
{
    [Capture("blocks.*.resid_post[pos=end]")]
    static Tensor Residual(Tensor resid) => resid.squeeze(1); // [layer, batch, d_model]

    public static void Study(TModel model, IoiPrompts prompts, Report report)
    {
        using var run = new Lens<TModel>().Run(model, prompts, report.Options);
        using Tensor logits = model.Unembed(model.FinalNorm(run.Clean.Residual));
        report.Show("IO - S after each layer", prompts.Difference(logits).mean([1L]));
    }
}
