using static TorchSharp.torch;

namespace Interventions.Examples.Papers;

/// <summary>
/// Activation patching, swept: which head's output at the last token, taken from the corrupted prompt, changes the answer?
/// Vig et al. 2020 (arXiv:2004.12265); Meng et al. 2022 (arXiv:2202.05262).
/// </summary>
[Intervention<NamesModel, IoiPrompts>]
public sealed partial class ActivationPatching
{
    [Patch("blocks.{layer}.attn.z[head={head}; pos=end]")]
    static Tensor FromCorrupted([From("corrupted")] Tensor corrupted) => corrupted;

    [Metric]
    static Tensor LogitDifference([Logit("IO")] Tensor io, [Logit("S")] Tensor s) => io - s;
}
