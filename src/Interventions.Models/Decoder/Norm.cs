using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;

namespace Interventions.Models.Decoder;

/// <summary>One norm, over the last axis.</summary>
/// <param name="Kind">Which.</param>
/// <param name="Epsilon">What is added before the root.</param>
/// <param name="Gain"><c>[d_model]</c>.</param>
/// <param name="Bias"><c>[d_model]</c>, of layer norms.</param>
internal sealed record Norm(NormKind Kind, double Epsilon, Tensor Gain, Tensor? Bias)
{
    private readonly long[] _width = Gain.shape;

    /// <summary>The ordinary path: <c>[…, d_model]</c> to the same.</summary>
    public Tensor Apply(Tensor x)
    {
        if (Kind == NormKind.LayerNorm)
        {
            // Not every libtorch has the fused call on the meta device, where only shapes exist.
            return x.device_type == DeviceType.META ? ApplyWith(x, Scale(x)) : layer_norm(x, _width, Gain, Bias, Epsilon);
        }
        Tensor factor = x.square().mean([-1], keepdim: true).add_(Epsilon).rsqrt_();
        return x.mul(factor).mul_(Gain);
    }

    /// <summary>What <see cref="Apply"/> divides by: <c>[…, d_model]</c> to <c>[…, 1]</c>.</summary>
    public Tensor Scale(Tensor x) => Centred(x).square().mean([-1], keepdim: true).add_(Epsilon).sqrt_();

    /// <summary>The norm with a given divisor.</summary>
    public Tensor ApplyWith(Tensor x, Tensor scale)
    {
        Tensor scaled = Centred(x).div(scale).mul(Gain);
        return Bias is null ? scaled : scaled + Bias;
    }

    private Tensor Centred(Tensor x) => Kind == NormKind.LayerNorm ? x - x.mean([-1], keepdim: true) : x;
}
