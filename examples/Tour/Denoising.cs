using Interventions.Models.Decoder;
using static TorchSharp.torch;

namespace Interventions.Examples.Tour;

/// <summary>Denoising: the clean residual stream, layer by layer and position by position, in the corrupted prompt.</summary>
[Intervention(Prompts = typeof(IoiPrompts))]
[Changes("corrupted")]
public sealed partial class Denoising<TModel> : NameTask<TModel>
    where TModel : DecoderModel
{
    [Patch("blocks.{layer}.resid_pre[pos={pos=IO,S1,S2,end}]")]
    static Tensor FromClean([From("clean")] Tensor clean) => clean;

    public static void Study(TModel model, IoiPrompts prompts, Report report)
    {
        using var run = new Denoising<TModel>().Run(model, prompts, report.Options);
        report.Show("restored by one position of one layer", run.LogitDifference);
    }
}
