using Interventions.Models.Decoder;
using static TorchSharp.torch;

namespace Interventions.Examples.Tour;

/// <summary>Kinds of heads by where they look from the word after S1, and from S2 (Wang et al. 2023, arXiv:2211.00593).</summary>
[Intervention(Prompts = typeof(IoiPrompts))]
public sealed partial class HeadKinds<TModel>
    where TModel : DecoderModel
{
    [Capture("blocks.*.attn.pattern[query=S1+1; key=S1]")]
    static Tensor PreviousToken(Tensor pattern) => pattern.flatten(1); // [layer, batch, head]

    [Capture("blocks.*.attn.pattern[query=S2; key=S1]")]
    static Tensor DuplicateToken(Tensor pattern) => pattern.flatten(1);

    [Capture("blocks.*.attn.pattern[query=S2; key=S1+1]")]
    static Tensor Induction(Tensor pattern) => pattern.flatten(1);

    public static void Study(TModel model, IoiPrompts prompts, Report report)
    {
        using var run = new HeadKinds<TModel>().Run(model, prompts, report.Options);
        report.Heads("previous token", run.Clean.PreviousToken.mean([1L]));
        report.Heads("duplicate token", run.Clean.DuplicateToken.mean([1L]));
        report.Heads("induction", run.Clean.Induction.mean([1L]));
    }
}
