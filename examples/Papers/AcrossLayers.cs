using static TorchSharp.torch;

namespace Interventions.Examples.Papers;

/// <summary>
/// A patch across positions and layers: what the corrupted prompt knows at the repeated name after layer 0, put where the clean prompt is
/// about to answer. Ghandeharioun et al. 2024 (arXiv:2401.06102), Patchscopes; Biran et al. 2024 (arXiv:2406.12775), back-patching.
/// </summary>
[Intervention<NamesModel, IoiPrompts>]
public sealed partial class AcrossLayers
{
    [Patch("blocks.{layer=1..3}.resid_post[pos=end]")]
    static Tensor FromTheRepeatedName([From("corrupted", "blocks.0.resid_post[pos=S2]")] Tensor repeated) => repeated;

    [Metric]
    static Tensor LogitDifference([Logit("IO")] Tensor io, [Logit("S")] Tensor s) => io - s;
}
