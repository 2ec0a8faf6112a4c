using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>Normalisations of what is encoded.</summary>
internal static class InputNorms
{
    private const double Epsilon = 1e-5;

    /// <param name="norm">Which.</param>
    /// <param name="x"><c>[…, d_in]</c>.</param>
    public static Tensor Apply(InputNorm norm, Tensor x) => norm switch
    {
        InputNorm.ConstantNorm => x.mul(Factor(x)),
        InputNorm.LayerNorm => Centred(x).div(Deviation(x).plus(Epsilon)),
        _ => x,
    };

    /// <param name="norm">Which.</param>
    /// <param name="y">What was decoded, <c>[…, d_in]</c>.</param>
    /// <param name="x">What was encoded.</param>
    public static Tensor Undo(InputNorm norm, Tensor y, Tensor x) => norm switch
    {
        InputNorm.ConstantNorm => y.div(Factor(x)),
        InputNorm.LayerNorm => y.mul(Deviation(x)).plus(x.mean([-1L], keepdim: true)),
        _ => y,
    };

    private static Tensor Factor(Tensor x) => x.norm(-1, keepdim: true).reciprocal().times(Math.Sqrt(x.shape[^1]));

    private static Tensor Centred(Tensor x) => x.sub(x.mean([-1L], keepdim: true));

    private static Tensor Deviation(Tensor x) => x.std(-1, unbiased: true, keepdim: true);
}
