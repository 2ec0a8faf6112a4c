using Interventions.Binding;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Execution;

/// <summary>A site's selection in some prompts of one run, between rows of a table and the selection's own shape.</summary>
internal sealed class TableSelection
{
    private readonly BoundSite _site;
    private readonly int _prompts, _positions;
    private readonly AxisIndices?[] _inner;

    /// <summary>The selection in some prompts of a run.</summary>
    /// <param name="site">The site.</param>
    /// <param name="point">The point of the sweep.</param>
    /// <param name="run">The run.</param>
    /// <param name="rows">The prompts; each selects equally many positions.</param>
    /// <param name="positions">How many.</param>
    /// <param name="row">The lengths of a row's axes: the value's without batch and positions.</param>
    public TableSelection(BoundSite site, SweepPoint point, RunValues run, int[] rows, int positions, ReadOnlySpan<long> row)
    {
        _site = site;
        _prompts = rows.Length;
        _positions = positions;
        List<long> shape = [rows.Length, .. row];
        shape.Insert(site.PositionAxis, positions);
        _inner = new AxisIndices?[shape.Count];
        for (int axis = 1; axis < shape.Count; axis++)
            if (axis != site.PositionAxis)
            {
                int size = (int)shape[axis];
                IReadOnlyList<int>[] prompts = site.IsPositional(axis)
                    ? [.. rows.Select(prompt => run.Batch.Positions(site, axis, point, run.Run, prompt))]
                    : [site.FixedIndices(axis, point, size)];
                _inner[axis] = new AxisIndices(prompts, size);
            }
    }

    /// <summary>The selection's shape, every axis.</summary>
    public long[] Shape => [.. _inner.Select((indices, axis) => axis == 0 ? _prompts : indices?.Count ?? _positions)];

    /// <summary>Refuses rows <c>[row, …]</c> that do not have the site's axes.</summary>
    public static void CheckAxes(BoundSite site, long[] rows)
    {
        List<long> whole = [.. rows];
        whole.Insert(site.PositionAxis, 1);
        site.CheckAxes([.. whole]);
    }

    /// <summary>The selected entries of rows <c>[prompt · position, …]</c>.</summary>
    public Tensor Read(Tensor rows) => Take(rows.reshape([_prompts, _positions, .. rows.shape[1..]]));

    /// <summary>Entries of the whole selection, which they broadcast to, as rows <c>[prompt · position, …]</c>.</summary>
    public Tensor Rows(Tensor entries) => entries.expand(Shape).movedim([_site.PositionAxis], [1]).flatten(0, 1);

    /// <summary>The table with other entries, which broadcast to the selection.</summary>
    /// <param name="table"><c>[row, …]</c>.</param>
    /// <param name="index">The row of each prompt's each position.</param>
    /// <param name="entries">The entries.</param>
    /// <param name="inPlace">Whether the table may be written into; else a copy is returned.</param>
    public Tensor Write(Tensor table, int[] index, Tensor entries, bool inPlace)
    {
        if (inPlace && AxisIndices.Follow(index) && _inner.All(indices => indices is null or { IsRange: true }))
        {
            Take(table.narrow(0, index[0], index.Length).view([_prompts, _positions, .. table.shape[1..]])).copy_(entries);
            return table;
        }
        long[] shape = Shape;
        Tensor flat = tensor(index.Select(row => (long)row).ToArray(), device: table.device)
            .view([_prompts, _positions, .. Enumerable.Repeat(1L, shape.Length - 2)]);
        int rowAxis = 1;
        for (int axis = 1; axis < _inner.Length; axis++)
            if (_inner[axis] is { } indices)
                flat = flat.times(table.shape[rowAxis]).plus(indices.Along(1 + rowAxis++, shape.Length, table.device));
        Tensor values = entries.expand(shape).movedim([_site.PositionAxis], [1]).reshape(-1).to(table.dtype);
        if (!inPlace)
            return table.reshape(-1).scatter(0, flat.reshape(-1), values).view(table.shape);
        table.view(-1).scatter_(0, flat.reshape(-1), values);
        return table;
    }

    /// <summary>The selected entries of rows <c>[prompt, position, …]</c>; a view of them where every axis selects one range.</summary>
    private Tensor Take(Tensor rows)
    {
        Tensor selected = rows.movedim([1], [_site.PositionAxis]);
        for (int axis = 1; axis < _inner.Length; axis++)
            if (_inner[axis] is { } indices)
                selected = indices.Take(selected, axis);
        return selected;
    }

    /// <summary>The selected indices of one axis: the same ones in every prompt, or as many in each.</summary>
    private sealed class AxisIndices
    {
        private readonly IReadOnlyList<int>[] _prompts;
        private readonly int _size;

        /// <summary>Indices of an axis of that length, one list for all prompts or one for each.</summary>
        public AxisIndices(IReadOnlyList<int>[] prompts, int size)
        {
            _prompts = prompts.Skip(1).All(prompt => prompt.SequenceEqual(prompts[0])) ? prompts[..1] : prompts;
            _size = size;
            IsRange = _prompts.Length == 1 && Follow(_prompts[0]);
        }

        /// <summary>How many are selected in a prompt.</summary>
        public long Count => _prompts[0].Count;

        /// <summary>Whether they are one range, the same in every prompt.</summary>
        public bool IsRange { get; }

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
                return Count == _size ? value : value.narrow(axis, _prompts[0][0], Count);
            if (_prompts.Length == 1)
                return value.Pick(axis, Index(value.device));
            long[] shape = value.shape;
            shape[axis] = Count;
            return value.gather(axis, Along(axis, shape.Length, value.device).expand(shape));
        }

        /// <summary>
        /// The selected indices as a tensor of <paramref name="rank"/> axes: prompts on axis 0, indices on <paramref name="axis"/>, length
        /// 1 elsewhere, so that it broadcasts to a value.
        /// </summary>
        public Tensor Along(int axis, int rank, Device device)
        {
            long[] view = new long[rank];
            Array.Fill(view, 1);
            view[0] = _prompts.Length;
            view[axis] = Count;
            return Index(device).view(view);
        }

        private Tensor Index(Device device) =>
            tensor(_prompts.SelectMany(prompt => prompt).Select(index => (long)index).ToArray(), device: device);
    }
}
