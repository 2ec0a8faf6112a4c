using static TorchSharp.torch;

namespace Interventions.Examples.Papers;

/// <summary>
/// Steering while the model writes: a vector is added at the prompt's last token and at every token that is generated after it, and nowhere
/// before. Rimsky et al. 2023 (arXiv:2312.06681).
/// </summary>
[Intervention<NamesModel, IoiPrompts>]
public sealed partial class GenerationSteering
{
    /// <summary>The steering vector: [d_model].</summary>
    [Add("blocks.2.resid_post[pos=end,new]", Strength = 2)]
    public required Tensor Vector { get; init; }

    /// <summary>How much rather the model names the one person than the other after each new token.</summary>
    [Metric]
    static Tensor LogitDifference([Logit("IO", At = "new")] Tensor io, [Logit("S", At = "new")] Tensor s) => io - s;
}
