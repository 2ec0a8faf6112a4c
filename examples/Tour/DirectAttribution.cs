using Interventions.Models.Decoder;
using static TorchSharp.torch;

namespace Interventions.Examples.Tour;

/// <summary>
/// Direct logit attribution: what each head and feed-forward block adds to the logit difference, the last norm's scale held (Elhage et al.
/// 2021, A Mathematical Framework for Transformer Circuits).
/// </summary>
[Intervention(Prompts = typeof(IoiPrompts))]
public sealed partial class DirectAttribution<TModel>
    where TModel : DecoderModel
{
    [Capture("blocks.*.attn.result[pos=end]")]
    static Tensor Heads(Tensor result) => result.squeeze(1); // [layer, batch, head, d_model]

    [Capture("blocks.*.mlp_out[pos=end]")]
    static Tensor Mlps(Tensor x) => x.squeeze(1);

    [Capture("ln_final.scale[pos=end]")]
    static Tensor Scale(Tensor scale) => scale.squeeze(1);

    public static void Study(TModel model, IoiPrompts prompts, Report report)
    {
        using var run = new DirectAttribution<TModel>().Run(model, prompts, report.Options);
        using Tensor heads = run.Clean.Heads.Values.transpose(1, 2); // [layer, head, batch, d_model]
        using Tensor ofHeads = model.Unembed(model.FinalNorm(heads, run.Clean.Scale, bias: false));
        using Tensor ofMlps = model.Unembed(model.FinalNorm(run.Clean.Mlps, run.Clean.Scale, bias: false));
        report.Heads("heads add to IO - S", prompts.Difference(ofHeads).mean([2L]));
        report.Show("feed-forward blocks add", prompts.Difference(ofMlps).mean([1L]));
    }
}
