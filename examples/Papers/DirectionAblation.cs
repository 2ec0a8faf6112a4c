using static TorchSharp.torch;

namespace Interventions.Examples.Papers;

/// <summary>
/// Direction ablation: no layer can write along a direction any more. Arditi et al. 2024 (arXiv:2406.11717): refusal is mediated by one
/// direction; here it is the preference for one name over another.
/// </summary>
[Intervention<NamesModel, IoiPrompts>]
public sealed partial class DirectionAblation
{
    /// <summary>The direction, of any length: [d_model].</summary>
    [ProjectOut("blocks.*.resid_pre"), ProjectOut("blocks.*.resid_mid"), ProjectOut("blocks.*.resid_post")]
    public required Tensor Direction { get; init; }

    [Metric]
    static Tensor LogitDifference([Logit("IO")] Tensor io, [Logit("S")] Tensor s) => io - s;
}
