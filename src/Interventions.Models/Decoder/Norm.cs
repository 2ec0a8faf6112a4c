using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;

namespace Interventions.Models.Decoder;

/// <summary>One norm, over the last axis.</summary>
/// <param name="Kind">Its formula.</param>
/// <param name="Epsilon">The number that is added before the root.</param>
/// <param name="Gain">The factors, <c>[d_model]</c>.</param>
/// <param name="Bias">The summands of a layer norm, <c>[d_model]</c>; RMS norms have none.</param>
internal sealed record Norm(NormKind Kind, double Epsilon, Tensor Gain, Tensor? Bias)
{
    private readonly long[] _width = Gain.shape;

    /// <summary>The norm of <c>[…, d_model]</c>.</summary>
    public Tensor Apply(Tensor x)
    {
        if (Kind == NormKind.LayerNorm)
            // libtorch 2.10 has no layer norm on the meta device, whose tensors have shapes but no values.
            return x.device_type == DeviceType.META ? ApplyWith(x, Scale(x)) : layer_norm(x, _width, Gain, Bias, Epsilon);
        Tensor wide = Widened(x), factor = wide.squared().mean([-1], keepdim: true).plus_(Epsilon).rsqrt_();
        return wide.mul(factor).to(x.dtype).mul_(Gain);
    }

    /// <summary>The divisor in <see cref="Apply"/>: <c>[…, d_model]</c> to <c>[…, 1]</c>.</summary>
    public Tensor Scale(Tensor x) => Centred(Widened(x)).squared().mean([-1], keepdim: true).plus_(Epsilon).sqrt_().to(x.dtype);

    /// <summary>The norm with a given divisor.</summary>
    public Tensor ApplyWith(Tensor x, Tensor scale)
    {
        Tensor scaled = Centred(Widened(x)).div(scale).to(x.dtype).mul(Gain);
        return Bias is null ? scaled : scaled.plus(Bias);
    }

    /// <summary>
    /// Gradients of the norm's input, one for each of several projections that read the norm: with <c>x̂ = centred(x) / scale</c> and
    /// <c>g</c> the gradient of <c>x̂</c>, <c>(g - mean(g) - x̂ · mean(g · x̂)) / scale</c>; without <c>mean(g)</c> where the norm does not
    /// centre.
    /// </summary>
    /// <param name="x">The norm's input, <c>[row, d_model]</c>.</param>
    /// <param name="weights">The projections, <c>[head, d_head, d_model]</c>.</param>
    /// <param name="gradient">The gradient of the projections' outputs, <c>[head, row, d_head]</c>.</param>
    /// <returns><c>[head, row, d_model]</c>.</returns>
    public Tensor PullBack(Tensor x, Tensor weights, Tensor gradient)
    {
        // The gain is in the weights, and the mean of g is taken from them: rows of weights add up to 0.
        Tensor scale = Scale(x), normalized = Centred(x).div(scale), gained = Centred(weights.mul(Gain));
        Tensor projected = linear(normalized, gained.flatten(0, 1)).split_axis(-1, gained.shape[0], gained.shape[1]).transpose(0, 1);
        Tensor scaled = gradient.div(scale);
        Tensor along = scaled.mul(projected).sum([-1L], keepdim: true).over(_width[0]);
        return scaled.bmm(gained).plus_product_(normalized, along, -1);
    }

    /// <summary>In float32, as in transformers: in half precision, sums of squares would overflow or lose digits.</summary>
    private static Tensor Widened(Tensor x) => x.dtype is ScalarType.Float16 or ScalarType.BFloat16 ? x.to(ScalarType.Float32) : x;

    private Tensor Centred(Tensor x) => Kind == NormKind.LayerNorm ? x - x.mean([-1], keepdim: true) : x;
}
