using static TorchSharp.torch;

namespace Interventions.Results;

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
            mask &= range(0, longest, device).view(places).lt(tensor(lengths, device: device).view(rows));
        }
        return mask;
    }

    /// <summary>Each prompt's own shape, without the batch.</summary>
    /// <param name="mask">What <see cref="Of"/> gave for them.</param>
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
                    extents[prompt][axis - 1] = Math.Max(extents[prompt][axis - 1], sizes[axis] == 1 ? shape[axis] : (rest % sizes[axis]) + 1);
            }
        }
        return extents;
    }
}
