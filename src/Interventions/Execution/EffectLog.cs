using System.Collections.Immutable;
using Interventions.Binding;
using Interventions.Planning;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Execution;

/// <summary>
/// Counts the values that declared writes select, write and change. Counts of changes stay tensors until the end, so that no write waits
/// for another.
/// </summary>
/// <param name="intervention">The declaration.</param>
/// <param name="owner">The scope of the whole run.</param>
internal sealed class EffectLog(BoundIntervention intervention, DisposeScope owner)
{
    private readonly ImmutableArray<BoundWrite> _writes = [.. intervention.Writes.SelectMany(write => write.Declared)];
    private readonly Dictionary<int, WriteCount> _counts = [];
    private readonly Dictionary<int, (Tensor Changed, Tensor Largest)> _differences = [];

    /// <summary>The points at which no batch so far reads a write, by the write's number.</summary>
    private readonly Dictionary<int, UnreadPoints> _unread = [];

    /// <summary>False on the meta device, whose tensors have no numbers to compare.</summary>
    private bool _hasNumbers = true;

    /// <summary>Adds a plan's counts.</summary>
    public void Count(PlannedWrites planned)
    {
        for (int write = 0; write < planned.Counts.Length; write++)
        {
            Add(write, planned.Counts[write]);
            UnreadPoints unread = planned.Unread[write];
            _unread[write] = _unread.TryGetValue(write, out UnreadPoints? before) ? before.And(unread) : unread;
        }
    }

    /// <summary>Adds what a write selects at a point, for runs without a plan.</summary>
    /// <param name="write">A declared write.</param>
    /// <param name="target">Where it writes; at a step of a generation, the new tokens.</param>
    /// <param name="looksAhead">Whether the model's positions depend on later tokens too.</param>
    public void CountSelected(BoundWrite write, WriteTarget target, bool looksAhead)
    {
        int nodes = write.Site.Names(target.Point).Count();
        CountPrompts(write, target, (row, positions) =>
        {
            int exempt = Exemptions.Leading(
                intervention, write, target.Point, target.Of, run => target.Batch.Tokens(run, row), looksAhead);
            // Runs whose prompts are the same throughout go on with the same new tokens.
            bool areAll = exempt == target.Batch.Length(row);
            return new WriteCount(positions.Count, 0, 0, 0, areAll ? 0 : positions.Count(position => position >= exempt)) * nodes;
        });
    }

    /// <summary>Adds what a write wrote to a node at a point, for runs without a plan: everything that it selects.</summary>
    public void CountWritten(BoundWrite write, WriteTarget target) => CountPrompts(
        write, target,
        (_, positions) => new WriteCount(0, positions.Count, positions.Count, write.Node.Uncompared ? 0 : positions.Count, 0));

    /// <summary>Adds how values differ from those that a write found.</summary>
    /// <param name="write">The write's number.</param>
    /// <param name="found">The values before the write.</param>
    /// <param name="written">The values that are written, or that broadcast to them.</param>
    /// <param name="unseen">True where the value before the write was not computed.</param>
    public void Compare(int write, Tensor found, Tensor written, Tensor? unseen = null)
    {
        _hasNumbers &= found.device_type != DeviceType.META;
        if (found.NumberOfElements == 0 || !_hasNumbers)
            return;
        using IDisposable mode = no_grad();
        using DisposeScope scope = NewDisposeScope();
        written = written.to(found.dtype);
        Tensor same = found.eq(written);
        if (unseen is not null)
            same = same.logical_or(unseen);
        Tensor changed = same.logical_not().sum(), largest = (written - found).abs().filled(same, 0).max();
        if (_differences.TryGetValue(write, out (Tensor Changed, Tensor Largest) before))
        {
            (changed, largest) = (changed.plus(before.Changed), largest.maximum(before.Largest));
            before.Changed.Dispose();
            before.Largest.Dispose();
        }
        _differences[write] = (changed.moved_to(owner), largest.moved_to(owner));
    }

    /// <summary>What every declared write did.</summary>
    /// <param name="prompts">The numbers of the prompts.</param>
    public ImmutableArray<WriteEffect> All(ImmutableArray<int> prompts) => [.. _writes.Select(write =>
    {
        WriteCount count = _counts.GetValueOrDefault(write.Number);
        (long changed, double largest) = _differences.TryGetValue(write.Number, out (Tensor Changed, Tensor Largest) found)
            ? (found.Changed.item<long>(), found.Largest.to(ScalarType.Float64).item<double>())
            : (0, 0);
        return new WriteEffect(
            write.Node.Name, write.Site.Text, write.Node.Run, count.Selected, count.Written, count.Compared, changed, largest)
        {
            Read = count.Read,
            // A trained value may begin with one that changes nothing.
            Due = _hasNumbers && !(write.IsTrained && count.Read > 0) ? count.Due : 0,
            Alike = [.. intervention.Alike.GetValueOrDefault(write.Number, []).Where(prompts.Contains)],
            Points = _unread.GetValueOrDefault(write.Number, UnreadPoints.None),
        };
    })];

    private void Add(int write, WriteCount count) => _counts[write] = _counts.GetValueOrDefault(write) + count;

    /// <summary>Adds a write's counts of positions, prompt by prompt, times the values at each position.</summary>
    private void CountPrompts(BoundWrite write, WriteTarget target, Func<int, IReadOnlyList<int>, WriteCount> positionsOf)
    {
        foreach (int row in target.Rows)
        {
            long values = write.Site.ValuesAtAPosition(target.Point, axis => Positions(axis).Count);
            Add(write.Number, positionsOf(row, Positions(write.Site.PositionAxis)) * values);

            IReadOnlyList<int> Positions(int axis) => target.Batch.Positions(write.Site, axis, target.Point, target.Of, row);
        }
    }
}

/// <summary>Where a run without a plan writes.</summary>
/// <param name="Batch">The prompts.</param>
/// <param name="Rows">Those of them that count.</param>
/// <param name="Of">The run of the prompt set whose tokens are written.</param>
/// <param name="Point">The point of the sweep.</param>
internal sealed record WriteTarget(PromptBatch Batch, int[] Rows, int Of, SweepPoint Point);
