using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>Terms of the loss that give dead features a gradient.</summary>
internal static class DeadFeatures
{
    private const double Epsilon = 1e-6;

    /// <summary>Ghost gradients.</summary>
    /// <param name="ghosts">Which.</param>
    /// <param name="pass">The batch and the weights.</param>
    /// <param name="z">Pre-activations, <c>[row, feature]</c>.</param>
    /// <param name="dead">The numbers of dead features.</param>
    /// <param name="error">What the features leave, a constant, <c>[row, d_out]</c>.</param>
    public static Tensor Ghosts(GhostGradients ghosts, LossPass pass, Tensor z, Tensor dead, Tensor error)
    {
        Tensor of_dead = z.index_select(1, dead);
        Tensor phi = (ghosts.IsUnbounded ? of_dead : of_dead.neg().relu().neg()).exp();
        Tensor ghost = phi.mm(pass.Weights.Decoder.index_select(0, dead));
        Tensor scale = error.norm(-1, keepdim: true).div(ghost.detach().norm(-1, keepdim: true).times(2).plus(Epsilon));
        Tensor squares = scale.mul(ghost).sub(error).squared().sum([-1L]);
        if (ghosts.Scale != GhostScale.DeadOnlyRescaled)
            squares = squares.mul(error.squared().sum([-1L]).div(squares.detach().plus(Epsilon)));
        double part = (double)dead.shape[0] / z.shape[1];
        return squares.mean().times(ghosts.Scale == GhostScale.Original ? 1 : part);
    }

    /// <summary>The auxiliary term of the largest dead features.</summary>
    /// <inheritdoc cref="Ghosts"/>
    public static Tensor Auxiliary(AuxiliaryLoss auxiliary, LossPass pass, Tensor z, Tensor dead, Tensor error)
    {
        long half = error.shape[1] / 2, count = dead.shape[0];
        Tensor of_dead = z.index_select(1, dead);
        (Tensor values, Tensor kept) = of_dead.topk((int)Math.Min(half, count), -1, largest: true, sorted: false);
        bool isNormalised = auxiliary is AuxiliaryLoss.Normalised;
        Tensor f = zeros_like(of_dead).scatter(-1, kept, isNormalised ? values.relu() : values);
        Tensor squares = pass.SquaredError(error.sub(f.mm(pass.Weights.Decoder.index_select(0, dead))));
        return auxiliary switch
        {
            // Errors that are all alike, or of one row, have no variance, and then the term is 0.
            AuxiliaryLoss.Normalised { Coefficient: var alpha } => squares
                .mul(pass.SquaredError(error.sub(error.mean([0L]))).reciprocal().nan_to_num(0, posinf: 0)).times(alpha),
            AuxiliaryLoss.LikeSaeLens { Coefficient: var alpha } =>
                squares.times(alpha * Math.Min((double)count / half, 1)),
            _ => throw new ArgumentOutOfRangeException(nameof(auxiliary), auxiliary, "There is no such term."),
        };
    }
}
