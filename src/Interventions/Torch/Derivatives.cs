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
    public static Tensor[] Of(Tensor? sum, params Tensor[] inputs) =>
        [.. Found(sum, inputs).Zip(inputs, (gradient, input) => gradient ?? zeros_like(input))];

    /// <summary>The derivative with respect to one tensor; <see langword="null"/> where the number does not depend on it.</summary>
    public static Tensor? OrNull(Tensor? sum, Tensor input) => Found(sum, input)[0];

    /// <summary>
    /// The gradients of tensors from those of others that depend on them, zero where none does; the graph stays.
    /// </summary>
    /// <param name="outputs">Tensors that require a gradient.</param>
    /// <param name="gradients">The gradient of each.</param>
    /// <param name="inputs">Tensors that require a gradient.</param>
    public static Tensor[] Back(Tensor[] outputs, Tensor[] gradients, Tensor[] inputs)
    {
        if (outputs.Concat(inputs).FirstOrDefault(tensor => !tensor.requires_grad) is { } constant)
            throw new ArgumentException($"A tensor [{string.Join(", ", constant.shape)}] requires no gradient.", nameof(inputs));
        foreach ((Tensor output, Tensor gradient) in outputs.Zip(gradients))
            if (!output.shape.SequenceEqual(gradient.shape))
                throw new ArgumentException(
                    $"A tensor {Shapes.Describe(output)} has no gradient {Shapes.Describe(gradient)}.", nameof(gradients));
        IList<Tensor>? found = outputs.Length > 0 && inputs.Length > 0
            ? autograd.grad(outputs, inputs, gradients, retain_graph: true, allow_unused: true)
            : null;
        return [.. inputs.Select((input, i) => found?[i] is { IsInvalid: false } gradient ? gradient : zeros_like(input))];
    }

    private static Tensor?[] Found(Tensor? sum, params Tensor[] inputs)
    {
        if (inputs.FirstOrDefault(input => !input.requires_grad) is { } constant)
            throw new ArgumentException($"A tensor [{string.Join(", ", constant.shape)}] requires no gradient.", nameof(inputs));
        if (sum is { } value && value.numel() != 1)
            throw new ArgumentException($"A gradient is of one number, not of [{string.Join(", ", value.shape)}].", nameof(sum));
        IList<Tensor>? found = sum is { requires_grad: true } && inputs.Length > 0
            ? autograd.grad([sum], inputs, retain_graph: true, allow_unused: true)
            : null;
        return [.. inputs.Select((_, i) => found?[i] is { IsInvalid: false } gradient ? gradient : null)];
    }
}
