using System.Collections.Immutable;
using Interventions.Binding;
using Interventions.Sites;

namespace Interventions.Planning;

/// <summary>What a plan's writes select, write and compare, known before anything runs.</summary>
internal sealed class PlannedWrites
{
    private readonly Expansion _plan;
    private readonly OwnRows _own;
    private readonly Slices _slices;
    private readonly Dictionary<(int Write, int TokensOf, int Class), Selection> _selections = [];

    private PlannedWrites(Expansion plan, OwnRows own, Slices slices)
    {
        _plan = plan;
        _own = own;
        _slices = slices;
    }

    /// <summary>The counts of all variants of all groups, by the write's number.</summary>
    public static ImmutableArray<WriteCount> Count(Expansion plan, OwnRows own, Slices slices)
    {
        PlannedWrites writes = new(plan, own, slices);
        WriteCount[] counts = new WriteCount[plan.Intervention.Writes.Sum(write => write.Declared.Count())];
        foreach (VariantGroup group in plan.Groups)
            foreach ((string node, ImmutableArray<BoundWrite> all) in group.Writes)
                for (int i = 0; i < all.Length; i++)
                    for (int c = 0; c < plan.Classes.Length; c++)
                        counts[all[i].Number] += writes.Count(group, plan.Id(node), all[i], i, c);
        return [.. counts];
    }

    private WriteCount Count(VariantGroup group, NodeId node, BoundWrite write, int index, int c)
    {
        Selection selection = Select(group, write, c);
        IReadOnlyList<int> positions = selection.Positions;
        WriteStep? step = _slices.Writes.GetValueOrDefault((group.Index, node))?.Steps.FirstOrDefault(step => step.Write.Number == write.Number);
        int[]? narrowed = step?.Write.Site.Narrowing?[positions.Count];
        PositionSet before = _own.Versions[(group.Index, node, c)][index], copies = _own.Copies.GetValueOrDefault((group.Index, node, c, index));
        WriteCount count = default;
        for (int i = 0; i < positions.Count; i++)
        {
            // A copy of what the parent has is written by leaving the parent's row there.
            bool isCarriedOut = step is not null && (narrowed is null || narrowed.Contains(i)), isWritten = isCarriedOut || copies.Contains(positions[i]);
            bool isCompared = isCarriedOut ? !step!.Unseen[c].Contains(positions[i]) : isWritten && !before.Contains(positions[i]);
            count += new WriteCount(1, isWritten ? 1 : 0, isWritten ? 1 : 0, isCompared ? 1 : 0, positions[i] < selection.Exempt ? 0 : 1);
        }
        long lanes = (long)group.Count * _plan.Classes[c].Rows.Length;
        // Of the logits there may be some answers' only.
        WriteCount there = count * (lanes * (_plan.Answers is { } columns && columns.Node == node ? columns.Answers.Length : selection.Values));
        return there with { Selected = count.Selected * lanes * selection.Values, Due = count.Due * lanes * selection.Values };
    }

    private Selection Select(VariantGroup group, BoundWrite write, int c)
    {
        if (_selections.TryGetValue((write.Number, group.TokensOf, c), out Selection? known))
            return known;
        Selection selection = new(
            _plan.Positions(write.Site, group.TokensOf, c, group.Point), _plan.Exempt(write, group, c), _plan.ValuesAtAPosition(write.Site, group, c));
        // What is swept is another selection in every group.
        if (!write.Site.IsSwept && !write.Reads.Any(read => read.IsSwept))
            _selections[(write.Number, group.TokensOf, c)] = selection;
        return selection;
    }

    /// <summary>What a write selects of a prompt.</summary>
    /// <param name="Positions">The positions.</param>
    /// <param name="Exempt">How many leading positions of the prompt it need not change.</param>
    /// <param name="Values">How many values at each.</param>
    private sealed record Selection(IReadOnlyList<int> Positions, int Exempt, long Values);
}
