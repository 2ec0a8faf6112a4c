using Interventions.Models.Decoder;
using static TorchSharp.torch;

namespace Interventions.Examples.Tour;

/// <summary>Statistics over texts: the norm of the residual stream, and the share of active neurons, layer by layer.</summary>
[Intervention(Prompts = typeof(IoiPrompts))]
public sealed partial class Statistics<TModel>
    where TModel : DecoderModel
{
    [Capture("blocks.*.resid_post[pos=IO,S1,S2,end]")]
    static Tensor Norm(Tensor resid) => resid.norm(-1); // [layer, batch, pos]

    [Capture("blocks.*.mlp.post[pos=IO,S1,S2,end]")]
    static Tensor Active(Tensor post) => post.gt(0).to(post.dtype).mean([-1L]);

    public static void Study(TModel model, IoiPrompts prompts, Report report)
    {
        using var run = new Statistics<TModel>().Run(model, prompts, report.Options);
        report.Show("norm of the residual stream", run.Clean.Norm.mean([1L, 2L]));
        report.Show("share of active neurons", run.Clean.Active.mean([1L, 2L]));
    }
}
