using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Execution;

/// <summary>Which indices of one axis are selected: the same ones in every prompt, or as many in each.</summary>
internal sealed class AxisIndices
{
    private readonly long[] _indices;
    private readonly int _prompts, _size;

    private AxisIndices(long[] indices, int prompts, int size)
    {
        _indices = indices;
        _prompts = prompts;
        _size = size;
        IsRange = prompts == 1 && Follow([.. indices.Select(index => (int)index)]);
    }

    /// <summary>How many are selected in a prompt.</summary>
    public long Count => _indices.Length / _prompts;

    /// <summary>Whether they are one range, the same in every prompt.</summary>
    public bool IsRange { get; }

    /// <summary>Indices of an axis of that length, one list for all prompts or one for each.</summary>
    public static AxisIndices Of(IReadOnlyList<int>[] prompts, int size) => prompts.All(row => row.SequenceEqual(prompts[0]))
        ? new AxisIndices([.. prompts[0].Select(index => (long)index)], 1, size)
        : new AxisIndices([.. prompts.SelectMany(row => row).Select(index => (long)index)], prompts.Length, size);

    /// <summary>Whether indices are one range.</summary>
    public static bool Follow(IReadOnlyList<int> indices)
    {
        for (int i = 1; i < indices.Count; i++)
            if (indices[i] != indices[0] + i)
                return false;
        return indices.Count > 0;
    }

    /// <summary>These indices of a value <c>[prompt, …]</c>; a view if they are a range.</summary>
    public Tensor Take(Tensor value, int axis)
    {
        if (IsRange)
            return Count == _size ? value : value.narrow(axis, _indices[0], Count);
        if (_prompts == 1)
            return value.Pick(axis, tensor(_indices, device: value.device));
        long[] shape = value.shape;
        shape[axis] = Count;
        return value.gather(axis, Along(axis, shape.Length, value.device).expand(shape));
    }

    /// <summary>The indices along an axis of a value <c>[prompt, …]</c> of that many axes, to broadcast.</summary>
    public Tensor Along(int axis, int rank, Device device)
    {
        long[] view = new long[rank];
        Array.Fill(view, 1);
        view[0] = _prompts;
        view[axis] = Count;
        return tensor(_indices, device: device).view(view);
    }
}
