using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Torch;

/// <summary>Numbers of tensors.</summary>
internal static class TensorNumbers
{
    /// <summary>All numbers of a tensor, the last axis fastest.</summary>
    public static double[] Doubles(this Tensor values)
    {
        using DisposeScope scope = NewDisposeScope();
        return [.. values.detach().to(ScalarType.Float64).cpu().contiguous().data<double>()];
    }
}
