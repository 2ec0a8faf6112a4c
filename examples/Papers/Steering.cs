using static TorchSharp.torch;

namespace Interventions.Examples.Papers;

/// <summary>
/// Activation addition: a difference of mean activations, added to the residual stream, steers what the model says.
/// Turner et al. 2023 (arXiv:2308.10248); Rimsky et al. 2023 (arXiv:2312.06681).
/// </summary>
[Intervention<NamesModel, IoiPrompts>]
public sealed partial class Steering
{
    /// <summary>The steering vector: [d_model].</summary>
    [Add("blocks.2.resid_post[pos=end]", Strength = 2)]
    public required Tensor Vector { get; init; }

    /// <summary>Where vectors are made from: [batch, d_model].</summary>
    [Capture("blocks.2.resid_post[pos=end]", BeforeWrites = true)]
    static Tensor Residual(Tensor resid) => resid.squeeze(1);

    [Metric]
    static Tensor LogitDifference([Logit("IO")] Tensor io, [Logit("S")] Tensor s) => io - s;
}
