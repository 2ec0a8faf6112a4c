using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Interventions.Models.Decoder;

/// <summary>The nonlinearities.</summary>
internal static class Activations
{
    /// <summary>The function of an activation.</summary>
    public static Func<Tensor, Tensor> Of(Activation activation) => activation switch
    {
        Activation.GeluTanh => x => x.gelu(GELU.Approximate.tanh),
        Activation.Gelu => x => nn.functional.gelu(x),
        // libtorch 2.10 has no relu on the meta device; there shapes alone count.
        Activation.Relu => x => x.device_type == DeviceType.META ? x.squared() : nn.functional.relu(x),
        Activation.Silu => x => nn.functional.silu(x),
        _ => throw new ArgumentOutOfRangeException(nameof(activation)),
    };
}
