using static TorchSharp.torch;

namespace Interventions.Examples.Papers;

/// <summary>
/// Distributed alignment search with one dimension: the direction whose coordinate, interchanged between two prompts, interchanges their
/// answers. The prompts are about two people, and in the corrupted one the other of them gives: the direction says who receives. Geiger et
/// al. 2023 (arXiv:2303.02536).
/// </summary>
[Intervention<NamesModel, IoiPrompts>]
public sealed partial class DistributedAlignment
{
    /// <summary>The rotated axis, of any length but 0: [d_model].</summary>
    [Parameter(Of = nameof(Loss))]
    public required Tensor Direction { get; init; }

    [Patch("blocks.2.resid_post[pos=end]")]
    Tensor Interchange(Tensor x, [From("corrupted")] Tensor source) =>
        x + (((source - x) * Direction).sum([-1L], keepdim: true) / Direction.pow(2).sum() * Direction);

    /// <summary>The interchanged answer should be the corrupted prompt's: who acts in the clean one.</summary>
    [Metric]
    static Tensor Loss([Logit("IO")] Tensor io, [Logit("S")] Tensor s) => (1 + (io - s).exp()).log();

    /// <summary>How often it is.</summary>
    [Metric]
    static Tensor Accuracy([Logit("IO")] Tensor io, [Logit("S")] Tensor s) => (s - io).gt(0).to(io.dtype);
}
