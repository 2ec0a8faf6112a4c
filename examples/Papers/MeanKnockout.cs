using static TorchSharp.torch;

namespace Interventions.Examples.Papers;

/// <summary>
/// Knockout of a set of heads: each gives its mean over the corrupted prompts, which knows the sentences but not who is in them.
/// Wang et al. 2022 (arXiv:2211.00593), section 2.
/// </summary>
[Intervention<NamesModel, IoiPrompts>]
[Mean("blocks.0.attn.z[head=0,3; pos=end]", From = "corrupted"), Mean("blocks.1.attn.z[head=1,2; pos=end]", From = "corrupted")]
public sealed partial class MeanKnockout
{
    [Metric]
    static Tensor LogitDifference([Logit("IO")] Tensor io, [Logit("S")] Tensor s) => io - s;
}
