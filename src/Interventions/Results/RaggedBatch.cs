using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Results;

/// <summary>Puts together values of different prompts: each row in its place, padded with zeros to the longest.</summary>
internal static class RaggedBatch
{
    /// <summary>Rows of the parts, <c>[batch, …]</c>, where part <c>i</c> holds the rows <c>parts[i].Rows</c> of the batch.</summary>
    public static Tensor Combine(IReadOnlyList<(int[] Rows, Tensor Values)> parts)
    {
        if (parts.Count == 1)
            return parts[0].Values.alias();
        int rank = parts[0].Values.shape.Length;
        long[] shape = [.. Enumerable.Range(0, rank).Select(axis => parts.Max(part => part.Values.shape[axis]))];
        shape[0] = parts.Sum(part => part.Rows.Length);
        Tensor batch = zeros(shape, dtype: parts[0].Values.dtype, device: parts[0].Values.device);
        foreach ((int[] rows, Tensor values) in parts)
        {
            Tensor padded = values;
            for (int axis = 1; axis < rank; axis++)
                padded = PadAfter(padded, axis, shape[axis]);
            batch = batch.Put(0, tensor(rows.Select(row => (long)row).ToArray(), device: batch.device), padded);
        }
        return batch;
    }

    /// <summary>Zeros behind the values of an axis, up to a length.</summary>
    public static Tensor PadAfter(Tensor values, int axis, long size)
    {
        long[] missing = values.shape;
        missing[axis] = size - missing[axis];
        return missing[axis] == 0 ? values : cat([values, zeros(missing, dtype: values.dtype, device: values.device)], axis);
    }
}
