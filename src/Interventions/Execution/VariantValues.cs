using System.Collections.Immutable;
using Interventions.Binding;
using Interventions.Planning;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Execution;

/// <summary>What methods read of one member of a family: the rows that were computed for it, and its parent's.</summary>
internal sealed record VariantValues(PlanContext Plan, RowStore Store, RowGather Gather, PromptBatch Chunk, VariantGroup VariantGroup, int Member, Device Where)
    : RunValues(Chunk, VariantGroup.TokensOf)
{
    private readonly (int Class, int Prompt)[] _places = Places(Plan);

    public override Device Device => Where;

    /// <summary>The gradients' tables, by metric; null unless gradients were asked for.</summary>
    public IReadOnlyDictionary<string, RowStore>? Gradients { get; init; }

    public override Tensor Select(BoundSite site, string node, SweepPoint point, int[] rows) => Select(Store, site, node, point, rows, beforeWrites: false);

    public override Tensor SelectBeforeWrites(BoundSite site, string node, SweepPoint point, int[] rows) => Select(Store, site, node, point, rows, beforeWrites: true);

    public override Tensor SelectGradient(string metric, BoundSite site, string node, SweepPoint point, int[] rows) =>
        Select(Gradients![metric], site, node, point, rows, beforeWrites: false);

    public override bool IsWholeTable(BoundSite site, string node, SweepPoint point, int[] rows, Tensor selected)
    {
        List<(RowTable Table, int Row)> places = Places(Store, site, node, point, rows, beforeWrites: false);
        return selected.numel() == places[0].Table.Rows.numel() && places.Index().All(place => ReferenceEquals(place.Item.Table, places[0].Table) && place.Item.Row == place.Index);
    }

    private Tensor Select(RowStore store, BoundSite site, string node, SweepPoint point, int[] rows, bool beforeWrites)
    {
        List<(RowTable Table, int Row)> places = Places(store, site, node, point, rows, beforeWrites);
        bool isWhole = Plan.Answers?.Node != Plan.Index(node);
        foreach (RowTable table in places.Select(place => place.Table).Distinct())
            if (isWhole)
                SelectedRows.CheckAxes(site, table.Rows.shape);
        Tensor values = Gather.Rows(places);
        return new SelectedRows(site, point, Chunk, Run, rows, (int)values.shape[0] / rows.Length, values.shape.AsSpan(1)).Read(values);
    }

    public override Tensor Logits(BoundRead.Logits read, SweepPoint point, int[] rows) => Plan.Answers is { } columns
        ? Select(read.At, read.At.Names(point).Single(), point, rows).view(rows.Length, -1).select(1, columns.Answers.IndexOf(read.Answer!.Value))
        : base.Logits(read, point, rows);

    /// <summary>Where the selected positions are.</summary>
    public List<(RowTable Table, int Row)> Places(RowStore store, BoundSite site, string node, SweepPoint point, int[] rows, bool beforeWrites)
    {
        int index = Plan.Index(node);
        List<(RowTable, int)> places = [];
        foreach (int row in rows)
        {
            (int c, int prompt) = _places[row];
            foreach (int position in site.PositionIndices(site.PositionAxis, point, Chunk.Tokens(Run, row), Chunk.Describe(Run, row)))
            {
                RowPlace place = store.Locate(index, VariantGroup, c, position, beforeWrites);
                places.Add((place.Table, place.Row(Member, prompt)));
            }
        }
        return places;
    }

    /// <summary>Whether selected positions are among some, given by class, to broadcast to the selection; null if none is.</summary>
    public Tensor? Among(ImmutableArray<PositionSet> some, BoundSite site, SweepPoint point, int[] rows)
    {
        if (some.All(positions => positions.IsEmpty))
            return null;
        bool[] among = [.. rows.SelectMany(row => site.PositionIndices(site.PositionAxis, point, Chunk.Tokens(Run, row), Chunk.Describe(Run, row))
            .Select(some[_places[row].Class].Contains))];
        long[] view = [.. Enumerable.Repeat(1L, site.Axes.Length)];
        (view[0], view[site.PositionAxis]) = (rows.Length, -1);
        return tensor(among, device: Where).view(view);
    }

    private static (int, int)[] Places(PlanContext plan)
    {
        var places = new (int, int)[plan.Classes.Sum(c => c.Rows.Length)];
        for (int c = 0; c < plan.Classes.Length; c++)
            for (int prompt = 0; prompt < plan.Classes[c].Rows.Length; prompt++)
                places[plan.Classes[c].Rows[prompt]] = (c, prompt);
        return places;
    }
}
