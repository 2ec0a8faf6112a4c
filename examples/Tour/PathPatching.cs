using Interventions.Models.Decoder;
using static TorchSharp.torch;

namespace Interventions.Examples.Tour;

/// <summary>Path patching: each head's direct path to the logits, all other heads held (Wang et al. 2023, arXiv:2211.00593).</summary>
[Intervention(Prompts = typeof(IoiPrompts))]
[PathPatch("blocks.{layer}.attn.z[head={head}; pos=end]", "ln_final.normalized[pos=end]")]
public sealed partial class PathPatching<TModel> : NameTask<TModel>
    where TModel : DecoderModel
{
    public static void Study(TModel model, IoiPrompts prompts, Report report)
    {
        using var run = new PathPatching<TModel>().Run(model, prompts, report.Options);
        report.Show("one head's path to the logits", run.LogitDifference);
    }
}
