using Interventions.Binding;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Execution;

/// <summary>Reads and overwrites the selected entries of a site's whole value <c>[batch, …]</c> through their flat indices.</summary>
internal static class SelectedValues
{
    /// <summary>The places of the selected entries in the flattened value: every axis kept, <c>[rows, …]</c>.</summary>
    /// <param name="value">The value.</param>
    /// <param name="site">What is selected.</param>
    /// <param name="point">The point of the sweep.</param>
    /// <param name="batch">The prompts.</param>
    /// <param name="run">The run of the prompt set whose positions count.</param>
    /// <param name="rows">The prompts of the batch that are read or written.</param>
    /// <param name="onlyStep">The step of a generation, if the value holds that step's new token alone.</param>
    public static Tensor FlatIndices(
        Tensor value, BoundSite site, SweepPoint point, PromptBatch batch, int run, int[] rows, int? onlyStep = null)
    {
        long[] shape = value.shape;
        long stride = 1;
        Tensor? flat = null;
        for (int axis = shape.Length - 1; axis >= 0; axis--)
        {
            Tensor along = Along(axis).times(stride);
            flat = flat is null ? along : flat.plus(along);
            stride *= shape[axis];
        }
        return flat!;

        Tensor Along(int axis)
        {
            long[] view = Enumerable.Repeat(1L, shape.Length).ToArray();
            long[] indices;
            if (axis == 0)
            {
                indices = [.. rows.Select(row => (long)row)];
            }
            else if (site.IsPositional(axis))
            {
                indices =
                [
                    .. rows.SelectMany(row => batch.Positions(site, axis, point, run, row)
                        .Select(position => (long)(position - First(axis, row)))),
                ];
                view[0] = rows.Length;
            }
            else
            {
                indices = [.. site.FixedIndices(axis, point, (int)shape[axis]).Select(index => (long)index)];
            }
            view[axis] = -1;
            return tensor(indices, device: value.device).view(view);
        }

        int First(int axis, int row) => onlyStep is int step && !site.IsKey(axis) ? batch.Length(row) + step : 0;
    }

    /// <summary>The entries at flat indices, in the indices' shape.</summary>
    public static Tensor Read(Tensor value, Tensor flatIndices) =>
        value.reshape(-1).Pick(0, flatIndices.reshape(-1)).view(flatIndices.shape);

    /// <summary>A copy of the value with those entries replaced.</summary>
    public static Tensor Write(Tensor value, Tensor flatIndices, Tensor entries) =>
        value.reshape(-1).scatter(0, flatIndices.reshape(-1), entries.expand(flatIndices.shape).reshape(-1)).view(value.shape);
}
