using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>How much a model learns from the text before a token (Olsson et al. 2022, arXiv:2209.11895).</summary>
public static class InContextLearning
{
    /// <summary>
    /// The loss of late tokens less that of early ones, in nats, over all texts. Below 0, later tokens are predicted better. The paper
    /// takes the 500th token and the 50th; where a text repeats, its first and its second time are as telling.
    /// </summary>
    /// <param name="losses">Of each token, <c>[text, position]</c>.</param>
    /// <param name="early">Positions.</param>
    /// <param name="late">Positions.</param>
    /// <exception cref="ArgumentException">There are no such positions.</exception>
    public static double Score(Tensor losses, Range early, Range late)
    {
        ArgumentNullException.ThrowIfNull(losses);
        if (losses.dim() != 2 || losses.shape[0] == 0)
            throw new ArgumentException($"Losses are [text, position], and these are {Shapes.Describe(losses)}.", nameof(losses));
        return Mean(late, nameof(late)) - Mean(early, nameof(early));

        double Mean(Range positions, string name)
        {
            (int first, int count) = positions.GetOffsetAndLength((int)losses.shape[1]);
            if (count == 0)
                throw new ArgumentException($"{positions} is no position of {losses.shape[1]}.", name);
            using DisposeScope scope = NewDisposeScope();
            return losses.detach().to(ScalarType.Float64).narrow(1, first, count).mean().cpu().item<double>();
        }
    }
}
