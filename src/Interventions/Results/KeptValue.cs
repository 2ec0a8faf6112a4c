using static TorchSharp.torch;

namespace Interventions.Results;

/// <summary>What a method kept of a chunk: <c>[batch, …]</c>.</summary>
/// <param name="Values">The values, padded with zeros where prompts differ in length.</param>
/// <param name="Extents">Each prompt's own shape, without the batch; null where nothing is padded.</param>
internal readonly record struct KeptValue(Tensor Values, long[][]? Extents)
{
    /// <summary>Whether they are all that was computed of the node, so that keeping them keeps nothing else alive.</summary>
    public bool IsWholeTable { get; init; }

    public static implicit operator KeptValue(Tensor values) => new(values, null);

    /// <summary>Values of groups of prompts, put together.</summary>
    public static KeptValue Of(IReadOnlyList<(int[] Rows, Tensor Values)> groups)
    {
        long[][] extents = new long[groups.Sum(group => group.Rows.Length)][];
        foreach ((int[] rows, Tensor values) in groups)
            foreach (int row in rows)
                extents[row] = values.shape[1..];
        return new KeptValue(RaggedBatch.Combine(groups), extents);
    }
}
