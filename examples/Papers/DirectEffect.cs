using static TorchSharp.torch;

namespace Interventions.Examples.Papers;

/// <summary>
/// The direct effect of each head: it is taken from the corrupted prompt while all other attention stays as in the clean one, so that no
/// later head can react. What is lost against activation patching is what other heads make of it. McGrath et al. 2023 (arXiv:2307.15771).
/// </summary>
[Intervention<NamesModel, IoiPrompts>]
[Freeze("blocks.*.attn.z")]
public sealed partial class DirectEffect
{
    [Patch("blocks.{layer}.attn.z[head={head}; pos=end]")]
    static Tensor FromCorrupted([From("corrupted")] Tensor corrupted) => corrupted;

    [Metric]
    static Tensor LogitDifference([Logit("IO")] Tensor io, [Logit("S")] Tensor s) => io - s;
}
