using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;

namespace Interventions.Models.Decoder;

/// <summary>One norm, over the last axis.</summary>
/// <param name="Kind">Its formula.</param>
/// <param name="Epsilon">The number that is added before the root.</param>
/// <param name="Width">The length of the last axis.</param>
/// <param name="Gain">The factors, <c>[Width]</c>; <see langword="null"/> if there are none.</param>
/// <param name="Bias">The summands, <c>[Width]</c>; <see langword="null"/> if there are none.</param>
internal sealed record Norm(NormKind Kind, double Epsilon, long Width, Tensor? Gain, Tensor? Bias)
{
    /// <summary>Whether the factors are 1 + <see cref="Gain"/>.</summary>
    public bool GainIsAboveOne { get; init; }

    /// <summary>Whether factors multiply, and summands are added, before a half-precision value is rounded.</summary>
    public bool RoundsLast { get; init; }

    /// <summary>A decoder's norm of that canonical name, of the residual stream's width unless another is given.</summary>
    public static Norm Of(DecoderConfig config, IReadOnlyDictionary<string, Tensor> weights, string name, long? width = null) =>
        new(
            config.Norm, config.NormEpsilon, width ?? config.DModel, weights.GetValueOrDefault($"{name}.gain"),
            weights.GetValueOrDefault($"{name}.bias"))
        {
            GainIsAboveOne = config.GainsAboveOne,
            RoundsLast = config.Norm == NormKind.LayerNorm || config.Wide.HasFlag(WideParts.Gains),
        };

    /// <summary>The norm of <c>[…, Width]</c>.</summary>
    public Tensor Apply(Tensor x)
    {
        if (Kind == NormKind.LayerNorm)
            // libtorch 2.10 has no layer norm on the meta device, whose tensors have shapes but no values.
            return x.device_type == DeviceType.META
                ? ApplyWith(x, Scale(x))
                : layer_norm(x, new long[] { Width }, GainIsAboveOne ? Factors?.to(x.dtype) : Gain, Bias, Epsilon);
        Tensor wide = HalfPrecision.Widened(x), factor = wide.squared().mean([-1], keepdim: true).plus_(Epsilon).rsqrt_();
        return Gained(wide.mul(factor), x.dtype);
    }

    /// <summary>The divisor in <see cref="Apply"/>: <c>[…, Width]</c> to <c>[…, 1]</c>.</summary>
    public Tensor Scale(Tensor x) =>
        Centred(HalfPrecision.Widened(x)).squared().mean([-1], keepdim: true).plus_(Epsilon).sqrt_().to(x.dtype);

    /// <summary>The norm with a given divisor.</summary>
    public Tensor ApplyWith(Tensor x, Tensor scale) => Gained(Centred(HalfPrecision.Widened(x)).div(scale), x.dtype);

    /// <summary>
    /// Gradients of the norm's input, one for each of several projections that read the norm: with <c>x̂ = centred(x) / scale</c> and
    /// <c>g</c> the gradient of <c>x̂</c>, <c>(g - mean(g) - x̂ · mean(g · x̂)) / scale</c>; without <c>mean(g)</c> where the norm does not
    /// centre.
    /// </summary>
    /// <param name="x">The norm's input, <c>[row, d_model]</c>.</param>
    /// <param name="weights">The projections, <c>[head, d_head, d_model]</c>.</param>
    /// <param name="projected">
    /// The projections' outputs, <c>[head, row, d_head]</c>, as they would be if neither the norm nor they had summands.
    /// </param>
    /// <param name="gradient">The gradient of the projections' outputs, <c>[head, row, d_head]</c>.</param>
    /// <returns><c>[head, row, d_model]</c>.</returns>
    public Tensor PullBack(Tensor x, Tensor weights, Tensor projected, Tensor gradient)
    {
        // The gain is in the weights, and the mean of g is taken from them: rows of weights add up to 0.
        Tensor scale = Scale(x), normalized = Centred(x).div(scale);
        Tensor gained = Centred(Factors is { } factors ? weights.mul(factors.to(weights.dtype)) : weights);
        Tensor scaled = gradient.div(scale);
        Tensor along = scaled.mul(projected).sum([-1L], keepdim: true).over(Width);
        return scaled.bmm(gained).plus_product_(normalized, along, -1);
    }

    private Tensor? Factors => Gain is null ? null : GainIsAboveOne ? HalfPrecision.Widened(Gain).plus(1) : Gain;

    /// <summary>A fresh value times the factors, and the summands, in the type of the norm's input.</summary>
    private Tensor Gained(Tensor x, ScalarType dtype)
    {
        Tensor rounded = RoundsLast ? x : x.to(dtype);
        Tensor gained = Factors is { } factors ? rounded.mul_(factors) : rounded;
        return (Bias is null ? gained : gained.plus_(Bias)).to(dtype);
    }

    private Tensor Centred(Tensor x) => Kind == NormKind.LayerNorm ? x - x.mean([-1], keepdim: true) : x;
}
