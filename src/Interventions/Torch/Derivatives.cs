// The only file that calls autograd.grad.
#pragma warning disable RS0030
using static TorchSharp.torch;

namespace Interventions.Torch;

/// <summary>
/// Differentiation. TorchSharp's <c>autograd.grad</c> does not catch libtorch's exceptions, which then end the process, so every call is
/// checked before.
/// </summary>
internal static class Derivatives
{
    /// <summary>The derivative of a number with respect to tensors, zero where it does not depend on one; the graph stays.</summary>
    /// <param name="sum">One number; <see langword="null"/> for a number that depends on nothing.</param>
    /// <param name="inputs">Tensors that require a gradient.</param>
    public static Tensor[] Of(Tensor? sum, params Tensor[] inputs)
    {
        if (inputs.FirstOrDefault(input => !input.requires_grad) is { } constant)
            throw new ArgumentException($"A tensor [{string.Join(", ", constant.shape)}] requires no gradient.", nameof(inputs));
        if (sum is { } value && value.numel() != 1)
            throw new ArgumentException($"A gradient is of one number, not of [{string.Join(", ", value.shape)}].", nameof(sum));
        IList<Tensor>? found = sum is { requires_grad: true } && inputs.Length > 0
            ? autograd.grad([sum], inputs, retain_graph: true, allow_unused: true)
            : null;
        return [.. inputs.Select((input, i) => found?[i] is { IsInvalid: false } gradient ? gradient : zeros_like(input))];
    }
}
