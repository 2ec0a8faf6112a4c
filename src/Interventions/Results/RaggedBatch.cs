using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Results;

/// <summary>Values of a batch of prompts, <c>[batch, …]</c>, padded with zeros where prompts differ in length.</summary>
/// <param name="Values">The values.</param>
/// <param name="Extents">Each prompt's own shape, without the batch; <see langword="null"/> where nothing is padded.</param>
internal readonly record struct RaggedTensor(Tensor Values, long[][]? Extents)
{
    /// <summary>Whether the values are the whole tensor that was computed, so that to keep them keeps nothing else alive.</summary>
    public bool IsWholeTable { get; init; }

    public static implicit operator RaggedTensor(Tensor values) => new(values, null);

    /// <summary>Joins the values of groups of prompts.</summary>
    public static RaggedTensor Of(IReadOnlyList<(int[] Rows, Tensor Values)> groups)
    {
        long[][] extents = new long[groups.Sum(group => group.Rows.Length)][];
        foreach ((int[] rows, Tensor values) in groups)
            foreach (int row in rows)
                extents[row] = values.shape[1..];
        return new RaggedTensor(RaggedBatch.Combine(groups), extents);
    }
}

/// <summary>Joins values of different prompts: each row in its place, padded with zeros to the longest.</summary>
internal static class RaggedBatch
{
    /// <summary>Joins parts, <c>[batch, …]</c>, where part <c>i</c> holds the rows <c>parts[i].Rows</c> of the batch.</summary>
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

    /// <summary>Adds zeros behind the values of an axis, up to a length.</summary>
    public static Tensor PadAfter(Tensor values, int axis, long size)
    {
        long[] missing = values.shape;
        missing[axis] = size - missing[axis];
        return missing[axis] == 0 ? values : cat([values, zeros(missing, dtype: values.dtype, device: values.device)], axis);
    }
}

/// <summary>Masks of real entries, for kept values of prompts that differ in length.</summary>
internal static class RaggedMask
{
    /// <summary>True where a prompt has an entry: <c>[batch, …]</c>, of length 1 along every axis that is as long in all prompts.</summary>
    /// <param name="extents">Each prompt's own shape, without the batch.</param>
    /// <param name="device">The device of the values.</param>
    public static Tensor Of(IReadOnlyList<long[]> extents, Device device)
    {
        int rank = extents[0].Length + 1;
        Tensor mask = ones([extents.Count, .. Enumerable.Repeat(1L, rank - 1)], dtype: ScalarType.Bool, device: device);
        for (int axis = 1; axis < rank; axis++)
        {
            long[] lengths = [.. extents.Select(extent => extent[axis - 1])];
            long longest = lengths.Max();
            if (lengths.All(length => length == longest))
                continue;
            long[] places = [.. Enumerable.Repeat(1L, rank)], rows = [.. places];
            (places[axis], rows[0]) = (longest, lengths.Length);
            mask &= range(0, longest, device).view(places).lt(tensor(lengths, device: device).view(rows));
        }
        return mask;
    }

    /// <summary>Each prompt's own shape, without the batch: the inverse of <see cref="Of"/>.</summary>
    /// <param name="mask">The mask.</param>
    /// <param name="shape">The values' shape: <c>[batch, …]</c>.</param>
    public static IReadOnlyList<long[]> Extents(Tensor mask, ReadOnlySpan<long> shape)
    {
        long[] sizes = mask.shape;
        bool[] isReal = [.. mask.cpu().contiguous().data<bool>()];
        int perPrompt = isReal.Length / (int)sizes[0];
        long[][] extents = new long[sizes[0]][];
        for (int prompt = 0; prompt < extents.Length; prompt++)
        {
            extents[prompt] = new long[sizes.Length - 1];
            for (int i = 0; i < perPrompt; i++)
            {
                if (!isReal[(prompt * perPrompt) + i])
                    continue;
                for (int axis = sizes.Length - 1, rest = i; axis > 0; rest /= (int)sizes[axis--])
                {
                    long length = sizes[axis] == 1 ? shape[axis] : (rest % sizes[axis]) + 1;
                    extents[prompt][axis - 1] = Math.Max(extents[prompt][axis - 1], length);
                }
            }
        }
        return extents;
    }
}
