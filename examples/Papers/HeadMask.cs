using static TorchSharp.torch;

namespace Interventions.Examples.Papers;

/// <summary>
/// A learned mask over heads: 1 keeps a head, 0 gives it the corrupted prompt's output. Trained to stay close to the model with few heads.
/// Louizos et al. 2018 (arXiv:1712.01312); Cao et al. 2021 (arXiv:2104.03514).
/// </summary>
[Intervention<NamesModel, IoiPrompts>]
public sealed partial class HeadMask
{
    /// <summary>One number a head: [layer, head].</summary>
    [Mix("blocks.*.attn.z", "layer", "head"), Parameter(Of = nameof(Divergence))]
    public required Tensor Mask { get; init; }

    /// <summary>How far the masked model is from the whole one: KL(clean, masked).</summary>
    [Metric]
    static Tensor Divergence([Logits] Tensor masked, [Logits(In = "clean")] Tensor clean) =>
        (clean.softmax(-1) * (clean.log_softmax(-1) - masked.log_softmax(-1))).sum(-1);
}
