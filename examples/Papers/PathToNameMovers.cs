using static TorchSharp.torch;

namespace Interventions.Examples.Papers;

/// <summary>
/// Path patching: which head writes what later heads form their queries from? All heads stay as in the clean prompt, so that only the paths
/// from the sender to the queries carry the change. Wang et al. 2022 (arXiv:2211.00593), section 3.2 and appendix B: so they found who
/// steers the name movers. In this small model the mover is in layer 0, where nothing but the embedding steers it: hardly anything passes
/// through queries.
/// </summary>
[Intervention<NamesModel, IoiPrompts>]
[PathPatch(
    "blocks.0.attn.z[head={head}; pos=end]",
    "blocks.1.attn.q_input[pos=end]", "blocks.2.attn.q_input[pos=end]", "blocks.3.attn.q_input[pos=end]", From = "corrupted")]
public sealed partial class PathToNameMovers
{
    [Metric]
    static Tensor LogitDifference([Logit("IO")] Tensor io, [Logit("S")] Tensor s) => io - s;
}
