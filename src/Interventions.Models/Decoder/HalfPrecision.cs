using static TorchSharp.torch;

namespace Interventions.Models.Decoder;

/// <summary>
/// The types of 16 bits, in which sums of squares overflow or lose digits: some steps are computed in float32, as in transformers.
/// </summary>
internal static class HalfPrecision
{
    /// <summary>Whether a type has 16 bits.</summary>
    public static bool Is(ScalarType dtype) => dtype is ScalarType.Float16 or ScalarType.BFloat16;

    /// <summary>A value of 16 bits in float32, any other as it is.</summary>
    public static Tensor Widened(Tensor x) => Is(x.dtype) ? x.to(ScalarType.Float32) : x;
}
