using static TorchSharp.torch;

namespace Interventions.Execution;

/// <summary>Which entries of kept values are real, where prompts differ in length.</summary>
internal static class RaggedMask
{
    /// <summary>True where a prompt has an entry: <c>[batch, …]</c>, of length 1 along every axis that is as long in all prompts.</summary>
    /// <param name="extents">Each prompt's own shape, without the batch.</param>
    /// <param name="device">Where the values are.</param>
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
            mask = mask.logical_and(arange(longest, device: device).view(places).lt(tensor(lengths, device: device).view(rows)));
        }
        return mask;
    }
}
