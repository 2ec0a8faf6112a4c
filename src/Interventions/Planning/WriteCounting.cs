using System.Collections.Immutable;
using Interventions.Binding;
using Interventions.Runtime;

namespace Interventions.Planning;

/// <summary>Counts the values that writes select, write and compare. All of it is known from the plan.</summary>
internal sealed class WriteCounting
{
    private readonly Expansion _plan;
    private readonly OwnRows _own;
    private readonly Slices _slices;
    private readonly Dictionary<(int Write, int TokensOf, int Class), WriteSelection> _selected = [];

    /// <summary>Of one group, the numbers of writes that are carried out, and of those that leave something to change undone.</summary>
    private readonly HashSet<int> _carriedOut = [], _leftOut = [];

    private WriteCounting(Expansion plan, OwnRows own, Slices slices)
    {
        _plan = plan;
        _own = own;
        _slices = slices;
    }

    /// <summary>The counts over all variants of all groups, and the points at which nothing reads a write to a derived run.</summary>
    public static PlannedWrites Of(Expansion plan, OwnRows own, Slices slices)
    {
        WriteCounting counting = new(plan, own, slices);
        WriteCount[] all = new WriteCount[plan.Intervention.Writes.Sum(write => write.Declared.Count())];
        List<int>[] unread = [.. all.Select(_ => new List<int>())], undue = [.. all.Select(_ => new List<int>())];
        foreach (VariantGroup group in plan.Groups)
        {
            counting._carriedOut.Clear();
            counting._leftOut.Clear();
            foreach ((string name, ImmutableArray<BoundWrite> writes) in group.Writes)
                for (int c = 0; c < plan.Classes.Length; c++)
                    counting.Add(all, group, plan.Id(name), writes, c);
            if (group.Run is null)
                continue;
            foreach (int write in group.Writes.Values.SelectMany(writes => writes)
                .Where(write => write.Node.Kind is not WriteKind.Freeze).Select(write => write.Number).Distinct())
                if (!counting._carriedOut.Contains(write))
                    (counting._leftOut.Contains(write) ? unread : undue)[write].AddRange(group.Points);
        }
        return new PlannedWrites(
            [.. all], [.. unread.Zip(undue, (some, others) => new UnreadPoints([.. some.Order()], [.. others.Order()]))]);
    }

    private void Add(WriteCount[] counts, VariantGroup group, NodeId node, ImmutableArray<BoundWrite> writes, int c)
    {
        WrittenNode? written = _slices.Writes.GetValueOrDefault((group.Index, node));
        ImmutableArray<RowsAtWrite> own = _own.AtWrites[(group.Index, node, c)];
        for (int i = 0; i < writes.Length; i++)
        {
            int number = writes[i].Number;
            WriteStep? step = written?.Steps.FirstOrDefault(step => step.Write.Number == number);
            counts[number] += Count(group, node, number, Select(group, writes[i], c), step, own[i], c);
        }
    }

    private WriteCount Count(
        VariantGroup group, NodeId node, int number, WriteSelection selected, WriteStep? step, RowsAtWrite own, int c)
    {
        int[]? narrowed = step?.Write.Site.Narrowing?[selected.Positions.Count];
        WriteCount count = default;
        for (int i = 0; i < selected.Positions.Count; i++)
        {
            int position = selected.Positions[i];
            // A copy of the parent's value is written by leaving the parent's row there.
            bool isCarriedOut = step is not null && (narrowed is null || narrowed.Contains(i));
            bool isCopy = own.Copies.Contains(position), isWritten = isCarriedOut || isCopy;
            if (isCarriedOut)
                _carriedOut.Add(number);
            else if (!isCopy && position >= selected.Exempt)
                _leftOut.Add(number);
            bool isCompared = isCarriedOut ? !step!.Unseen[c].Contains(position) : isWritten && !own.Before.Contains(position);
            int written = isWritten ? 1 : 0;
            isCompared &= step?.Write.Node.Uncompared != true;
            count += new WriteCount(1, written, written, isCompared ? 1 : 0, position < selected.Exempt ? 0 : 1);
        }
        long lanes = (long)group.Count * _plan.Classes[c].Rows.Length;
        // All logits are selected, but only the answers' may be computed.
        long values = _plan.Answers is { } columns && columns.Node == node ? columns.Columns.Length : selected.Values;
        WriteCount computed = count * (lanes * values);
        return computed with { Selected = count.Selected * lanes * selected.Values, Due = count.Due * lanes * selected.Values };
    }

    private WriteSelection Select(VariantGroup group, BoundWrite write, int c)
    {
        if (_selected.TryGetValue((write.Number, group.TokensOf, c), out WriteSelection? known))
            return known;
        WriteSelection selected = new(
            _plan.Positions(write.Site, group.TokensOf, c, group.Point),
            _plan.Exempt(write, group, c),
            _plan.ValuesAtAPosition(write.Site, group, c));
        // A swept site or donor is another one in every group.
        if (!write.Site.IsSwept && !write.Reads.Any(read => read.IsSwept))
            _selected[(write.Number, group.TokensOf, c)] = selected;
        return selected;
    }

    /// <summary>The values that a write selects of a prompt.</summary>
    /// <param name="Positions">The positions.</param>
    /// <param name="Exempt">The number of leading positions of the prompt that the write need not change.</param>
    /// <param name="Values">The number of values at each position.</param>
    private sealed record WriteSelection(IReadOnlyList<int> Positions, int Exempt, long Values);
}

/// <summary>What writes do, as far as a plan tells; by the write's number.</summary>
/// <param name="Counts">How many values each selects, writes and compares.</param>
/// <param name="Unread">The points of the sweep at which nothing reads a write to a derived run.</param>
internal sealed record PlannedWrites(ImmutableArray<WriteCount> Counts, ImmutableArray<UnreadPoints> Unread);

/// <summary>How many values a write selects, and how many of those are written and compared.</summary>
/// <param name="Selected">All of them.</param>
/// <param name="Read">Those whose new value is read; a strict run writes more, to see the effect of later writes there.</param>
/// <param name="Written">Those that are written.</param>
/// <param name="Compared">Those that are compared with their old value.</param>
/// <param name="Due">Those that the write should change: all selected ones but the exempt.</param>
internal readonly record struct WriteCount(long Selected, long Read, long Written, long Compared, long Due)
{
    public static WriteCount operator +(WriteCount left, WriteCount right) => new(
        left.Selected + right.Selected,
        left.Read + right.Read,
        left.Written + right.Written,
        left.Compared + right.Compared,
        left.Due + right.Due);

    public static WriteCount operator *(WriteCount count, long times) => new(
        count.Selected * times, count.Read * times, count.Written * times, count.Compared * times, count.Due * times);
}
