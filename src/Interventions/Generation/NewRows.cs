using static TorchSharp.torch;

namespace Interventions.Generation;

/// <summary>The positions that a pass computes: of every prompt equally many, beginning where the prompt stands.</summary>
/// <param name="Starts">Each prompt's first one.</param>
/// <param name="Count">How many.</param>
internal sealed record NewRows(int[] Starts, int Count)
{
    /// <summary>Whether nothing came before.</summary>
    public bool AreFirst { get; } = Starts.All(start => start == 0);

    /// <summary>Where the last prompt ends.</summary>
    public int End { get; } = Starts.Max() + Count;

    /// <summary>The first position that is seen by a reader of the last <paramref name="window"/> positions, or of all.</summary>
    public int FirstSeen(int? window) => window is int width ? Math.Max(0, Starts.Min() - width + 1) : 0;

    /// <summary>The new positions' part of a value.</summary>
    /// <param name="value">Values of positions from <paramref name="first"/> on.</param>
    /// <param name="axis">The axis of positions.</param>
    /// <param name="first">The first position.</param>
    public Tensor Of(Tensor value, int axis, int first)
    {
        if (Starts.Distinct().Count() == 1)
            return value.narrow(axis, Starts[0] - first, Count);
        Tensor byPosition = value.transpose(1, axis).contiguous();
        long width = byPosition.shape[1];
        long[] places = [.. Starts.SelectMany((start, row) => Enumerable.Range(start - first, Count).Select(place => (row * width) + place))];
        return byPosition.flatten(0, 1).index_select(0, tensor(places, device: value.device)).split_axis(0, Starts.Length, Count).transpose(1, axis);
    }
}
