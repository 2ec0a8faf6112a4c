using static TorchSharp.torch;

namespace Interventions.Examples.Papers;

/// <summary>
/// Attention-pattern patching: each head looks where it looks in the corrupted prompt, and moves what is there in the clean one. Separates
/// where a head attends from what it moves. Wang et al. 2022 (arXiv:2211.00593), section 3; Heimersheim and Nanda 2024 (arXiv:2404.15255).
/// </summary>
[Intervention<NamesModel, IoiPrompts>]
public sealed partial class AttentionPatternPatch
{
    [Patch("blocks.{layer}.attn.pattern[head={head}]")]
    static Tensor WhereCorruptedLooks([From("corrupted")] Tensor corrupted) => corrupted;

    [Metric]
    static Tensor LogitDifference([Logit("IO")] Tensor io, [Logit("S")] Tensor s) => io - s;
}
