using Interventions.Models.Decoder;
using static TorchSharp.torch;

namespace Interventions.Examples.Tour;

/// <summary>Direct logit attribution: what each head adds to the logit difference, the last norm's scale held (Elhage et al. 2021).</summary>
[Intervention(Prompts = typeof(IoiPrompts))]
public sealed partial class DirectAttribution<TModel>
    where TModel : DecoderModel
{
    [Capture("blocks.*.attn.result[pos=end]")]
    static Tensor Heads(Tensor result) => result.squeeze(1); // [layer, batch, head, d_model]

    [Capture("ln_final.scale[pos=end]")]
    static Tensor Scale(Tensor scale) => scale.squeeze(1);

    public static void Study(TModel model, IoiPrompts prompts, Report report)
    {
        using var run = new DirectAttribution<TModel>().Run(model, prompts, report.Options);
        using Tensor heads = run.Clean.Heads.transpose(1, 2); // [layer, head, batch, d_model]
        using Tensor logits = model.Unembed(model.FinalNorm(heads, run.Clean.Scale));
        report.Heads("added to IO - S", prompts.Difference(logits).mean([2L]));
    }
}
