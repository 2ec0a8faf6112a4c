using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Torch;

/// <summary>
/// <c>index_select</c> and <c>index_copy</c> for every device. On the meta device, where tensors have shapes and no numbers and on which
/// plans are checked, libtorch lacks the first, and the derivative of the second, which is the first.
/// </summary>
internal static class Picking
{
    /// <summary>Entries along an axis, in the order of the indices: <c>index_select</c>.</summary>
    /// <param name="value">The value.</param>
    /// <param name="axis">The axis, counted from the front.</param>
    /// <param name="index">Indices, <c>[entry]</c>, int64, on the value's device.</param>
    public static Tensor Pick(this Tensor value, int axis, Tensor index)
    {
        if (value.device_type != DeviceType.META)
            return value.index_select(axis, index);
        long[] shape = value.shape;
        shape[axis] = index.shape[0];
        return value.gather(axis, Along(value, axis, index).expand(shape));
    }

    /// <summary>A copy with other entries at some indices along an axis: <c>index_copy</c>.</summary>
    /// <param name="value">The value.</param>
    /// <param name="axis">The axis, counted from the front.</param>
    /// <param name="index">Indices, <c>[entry]</c>, int64, on the value's device.</param>
    /// <param name="entries">The entries: of the value's shape, except along the axis.</param>
    public static Tensor Put(this Tensor value, int axis, Tensor index, Tensor entries) => value.device_type != DeviceType.META
        ? value.index_copy(axis, index, entries)
        : value.scatter(axis, Along(value, axis, index).expand(entries.shape), entries);

    /// <summary>The indices with as many axes as the value. A wrong device is refused on the meta device too.</summary>
    private static Tensor Along(Tensor value, int axis, Tensor index)
    {
        if (index.device_type != value.device_type)
            throw new InterventionException($"Indices on {index.device} cannot select from a value on {value.device}.");
        long[] shape = [.. Enumerable.Repeat(1L, value.shape.Length)];
        shape[axis] = -1;
        return index.view(shape);
    }
}
