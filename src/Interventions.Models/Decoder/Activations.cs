using static TorchSharp.torch;

namespace Interventions.Models.Decoder;

/// <summary>The nonlinearities.</summary>
internal static class Activations
{
    /// <summary>The function of an activation.</summary>
    public static Func<Tensor, Tensor> Of(Activation activation) => activation switch
    {
        Activation.GeluTanh => gelu_tanh,
        Activation.Gelu => x => nn.functional.gelu(x),
        Activation.Relu => x => nn.functional.relu(x),
        Activation.Silu => x => nn.functional.silu(x),
        _ => throw new ArgumentOutOfRangeException(nameof(activation)),
    };

    /// <summary>
    /// ½(1 + tanh u) = sigmoid(2u) spares two passes over the neurons, the widest values there are; so does working in one buffer, as far
    /// as autograd allows.
    /// </summary>
    private static Tensor gelu_tanh(Tensor x)
    {
        double twice = 2 * Math.Sqrt(2 / Math.PI);
        Tensor slope = x.squared().times_(0.044715 * twice).plus_(twice);
        return x.requires_grad ? slope.mul(x).sigmoid_().mul(x) : slope.mul_(x).sigmoid_().mul_(x);
    }
}
