using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Results;

/// <summary>Puts results of batches of one run together.</summary>
internal static class JoinedResults
{
    /// <summary>The result of all batches: what one run over all prompts gives. The batches stay their owners'.</summary>
    public static RunOutput Of(IReadOnlyList<RunOutput> batches)
    {
        ResultLayout layout = ResultLayout.Join([.. batches.Select(batch => batch.Layout)]);
        using DisposeScope scope = NewDisposeScope();
        // A model that looks ahead has batches of prompts of one length, wherever they stand.
        int[] rows = [.. batches.SelectMany(batch => batch.Layout.Prompts).Select((prompt, row) => (prompt, row)).OrderBy(one => one.prompt).Select(one => one.row)];
        Dictionary<string, Tensor> tensors = [];
        foreach (KeptLayout kept in layout.Kept)
        {
            int axis = layout.BatchAxis(kept, isChanged: true);
            tensors[kept.Name] = Join(batches, kept.Name, axis, rows);
            foreach (string run in layout.Runs)
                tensors[ResultLayout.Of(run, kept.Name)] = Join(batches, ResultLayout.Of(run, kept.Name), layout.BatchAxis(kept, isChanged: false), rows);
            if (kept.IsMasked)
            {
                long[][] extents = [.. batches.SelectMany(batch => RaggedMask.Extents(batch[ResultLayout.MaskOf(kept.Name)], batch[kept.Name].shape.AsSpan(axis)))];
                tensors[ResultLayout.MaskOf(kept.Name)] = RaggedMask.Of([.. rows.Select(row => extents[row])], batches[0][kept.Name].device);
            }
        }
        foreach (string gradient in layout.Parameters.Select(ResultLayout.GradientOf))
            tensors[gradient] = batches.Skip(1).Aggregate(batches[0][gradient].clone(), (sum, batch) => sum.plus_(batch[gradient]));
        foreach (Tensor tensor in tensors.Values)
            tensor.DetachFromDisposeScope();
        return new RunOutput(layout, tensors);
    }

    /// <summary>Along the axis of prompts, those of shorter batches padded with zeros, in the order of <paramref name="rows"/>.</summary>
    private static Tensor Join(IReadOnlyList<RunOutput> batches, string name, int axis, int[] rows)
    {
        Tensor[] parts = [.. batches.Select(batch => batch[name])];
        for (int other = axis + 1; other < parts[0].shape.Length; other++)
        {
            long longest = parts.Max(part => part.shape[other]);
            parts = [.. parts.Select(part => RaggedBatch.PadAfter(part, other, longest))];
        }
        return rows.SequenceEqual(Enumerable.Range(0, rows.Length))
            ? cat(parts, axis)
            : cat(parts, axis).index_select(axis, tensor(rows.Select(row => (long)row).ToArray(), device: parts[0].device));
    }
}
