using Interventions.Binding;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Execution;

/// <summary>A selection of a site in some prompts, between rows of a table and the selection's own shape.</summary>
internal sealed class SelectedRows
{
    private readonly BoundSite _site;
    private readonly int _prompts, _positions;
    private readonly AxisIndices?[] _inner;

    /// <summary>The selection in some prompts of a chunk.</summary>
    /// <param name="site">The site.</param>
    /// <param name="point">The point of the sweep.</param>
    /// <param name="chunk">The chunk.</param>
    /// <param name="run">The run whose tokens are meant.</param>
    /// <param name="rows">The prompts; each selects equally many positions.</param>
    /// <param name="positions">How many.</param>
    /// <param name="row">The lengths of a row's axes: the value's without batch and positions.</param>
    public SelectedRows(BoundSite site, SweepPoint point, PromptBatch chunk, int run, int[] rows, int positions, ReadOnlySpan<long> row)
    {
        _site = site;
        _prompts = rows.Length;
        _positions = positions;
        long[] shape = [rows.Length, .. row];
        List<long> whole = [.. shape];
        whole.Insert(site.PositionAxis, positions);
        _inner = new AxisIndices?[whole.Count];
        for (int axis = 1; axis < whole.Count; axis++)
            if (axis != site.PositionAxis)
                _inner[axis] = site.IsPositional(axis)
                    ? AxisIndices.Of([.. rows.Select(prompt => site.PositionIndices(axis, point, chunk.Tokens(run, prompt), chunk.Describe(run, prompt)))], (int)whole[axis])
                    : AxisIndices.Of([site.FixedIndices(axis, point, (int)whole[axis])], (int)whole[axis]);
    }

    /// <summary>Refuses rows <c>[row, …]</c> that do not have the site's axes.</summary>
    public static void CheckAxes(BoundSite site, long[] rows)
    {
        List<long> whole = [.. rows];
        whole.Insert(site.PositionAxis, 1);
        site.CheckAxes([.. whole]);
    }

    /// <summary>The selection's shape, every axis.</summary>
    public long[] Shape => [.. _inner.Select((indices, axis) => axis == 0 ? _prompts : indices?.Count ?? _positions)];

    /// <summary>The selected entries of rows <c>[prompt · position, …]</c>.</summary>
    public Tensor Read(Tensor rows)
    {
        Tensor selected = rows.reshape([_prompts, _positions, .. rows.shape[1..]]).movedim([1], [_site.PositionAxis]);
        for (int axis = 1; axis < _inner.Length; axis++)
            if (_inner[axis] is { } indices)
                selected = indices.Take(selected, axis);
        return selected;
    }

    /// <summary>The table with entries, which broadcast to the selection, at its rows.</summary>
    /// <param name="table"><c>[row, …]</c>.</param>
    /// <param name="index">The row of each prompt's each position.</param>
    /// <param name="entries">What is put there.</param>
    /// <param name="inPlace">Whether the table may be written into; else a copy is returned.</param>
    public Tensor Write(Tensor table, int[] index, Tensor entries, bool inPlace)
    {
        long[] shape = Shape;
        if (inPlace && AxisIndices.Follow(index) && _inner.All(indices => indices is null or { IsRange: true }))
        {
            Tensor target = table.narrow(0, index[0], index.Length).view([_prompts, _positions, .. table.shape[1..]]).movedim([1], [_site.PositionAxis]);
            for (int axis = 1; axis < _inner.Length; axis++)
                if (_inner[axis] is { } indices)
                    target = indices.Take(target, axis);
            target.copy_(entries);
            return table;
        }
        Tensor flat = tensor(index.Select(row => (long)row).ToArray(), device: table.device).view([_prompts, _positions, .. Enumerable.Repeat(1L, shape.Length - 2)]);
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
}
