using static TorchSharp.torch;

namespace Interventions.Examples.Papers;

/// <summary>
/// Attribution patching: one backward pass estimates, to first order, what activation patching of every head would do.
/// Nanda 2023; Syed et al. 2023 (arXiv:2310.10348); Kramár et al. 2024 (arXiv:2403.00745).
/// </summary>
[Intervention<NamesModel, IoiPrompts>]
public sealed partial class AttributionPatching
{
    /// <summary>The estimated effect of each head: [layer, batch, head].</summary>
    [Gradient("blocks.*.attn.z[pos=end]")]
    static Tensor Estimate(Tensor gradient, Tensor z, [From("corrupted")] Tensor corrupted) => (gradient * (corrupted - z)).sum([1L, 3L]);

    [Metric]
    static Tensor LogitDifference([Logit("IO")] Tensor io, [Logit("S")] Tensor s) => io - s;
}
