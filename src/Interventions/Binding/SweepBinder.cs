using System.Collections.Immutable;
using Interventions.Runtime;
using Interventions.Sites;
using Interventions.Tables;

namespace Interventions.Binding;

/// <summary>Finds out what each placeholder goes through.</summary>
internal sealed class SweepBinder(
    InterventionGraph graph, ModelSchema schema, IPromptSet prompts, IReadOnlyList<SiteResolution> resolved)
{
    private readonly int[] _lengths = [.. prompts.Prompts.Select(prompt => prompt.Runs[0].Ids.Count).Distinct().Order()];

    private readonly IReadOnlyList<PlaceholderRange> _ranges = SiteExpansion.Placeholders(resolved, schema, LengthOf(prompts));

    /// <summary>The axes of the placeholders that writes have: one for each, or for those that go through points together.</summary>
    /// <exception cref="InterventionException">A placeholder has no values, or contradictory ones.</exception>
    public ImmutableArray<SweepAxis> Axes(IEnumerable<string> swept)
    {
        List<SweepAxis> axes = [];
        foreach (string name in swept)
            if (!axes.Any(axis => axis.Placeholders.Contains(name)))
                axes.Add(Axis(name));
        return [.. axes];
    }

    /// <summary>Checks that parameters read sweeps of the right kind, which a write has, and that all listed sweeps are used.</summary>
    /// <exception cref="InterventionException">One does not, or is not.</exception>
    public void CheckUses(IReadOnlyList<string> swept, IEnumerable<(string Method, ImmutableArray<BoundRead> Reads)> methods)
    {
        foreach (string listed in graph.Sweeps.SelectMany(sweep => sweep.Placeholders))
            if (!swept.Contains(listed))
                throw Wrong(listed, "is listed, but no write uses it");
        foreach ((string method, ImmutableArray<BoundRead> reads) in methods)
        {
            foreach (BoundRead read in reads)
            {
                if (read.Sweep is not string name)
                    continue;
                bool hasNumbers = graph.Sweeps.Any(sweep => sweep.Placeholders.Contains(name) && sweep.Of(name).HasNumbers);
                if (!swept.Contains(name))
                    throw Wrong(name, $"is not swept: no write uses it, though {method} does");
                if (read is BoundRead.Swept && !hasNumbers)
                    throw Wrong(name, $"has no numbers, which {method} needs: list them, as in [Sweep(\"{name}\", 0.5, 1, 2)]");
                if (read is not BoundRead.Swept && (hasNumbers || _ranges.Any(range => range.Name == name)))
                    throw Wrong(name, $"goes through numbers, and {method} needs a run");
            }
        }
    }

    private SweepAxis Axis(string name)
    {
        SweepAxis[] listed = [.. graph.Sweeps.Where(sweep => sweep.Placeholders.Contains(name)).Select(Bound)];
        if (listed.Length == 0)
            return new SweepAxis(
                name, RangeOf(name) is { } range ? Places(range) : [.. prompts.Vocabulary.Runs.Select(Run)]);
        SweepAxis axis = listed[0];
        if (listed.Any(other => other.Name != axis.Name || !other.Coordinates.SequenceEqual(axis.Coordinates)))
            throw Wrong(name, "is swept twice, through different values");
        if (axis.Coordinates.GroupBy(coordinate => coordinate).FirstOrDefault(group => group.Count() > 1) is { Key: var twice })
            throw Wrong(name, $"goes through {twice} twice");
        return axis.Coordinates.IsEmpty ? throw Wrong(name, "goes through no values") : axis;
    }

    private PlaceholderRange? RangeOf(string name) => _ranges.FirstOrDefault(range => range.Name == name);

    /// <summary>A listed sweep, whose places and runs are found in the model and the prompts.</summary>
    private SweepAxis Bound(SweepAxis listed)
    {
        ImmutableArray<SweepCoordinate>[] bound = [.. listed.Placeholders.Select(name => Bound(name, listed))];
        return new SweepAxis(string.Join(", ", listed.Placeholders), bound is [var only] ? only :
        [
            .. Enumerable.Range(0, listed.Coordinates.Length)
                .Select(i => SweepCoordinate.OfPoint([.. bound.Select(coordinates => coordinates[i])])),
        ]);
    }

    /// <summary>The coordinates of one placeholder of a list: what they select, numbers as they are, runs with their numbers.</summary>
    private ImmutableArray<SweepCoordinate> Bound(string name, SweepAxis listed)
    {
        SweepAxis own = listed.Of(name);
        if (RangeOf(name) is { } range)
            return [.. own.Coordinates.Select((coordinate, i) => Place(coordinate, range, listed.Name, listed.Coordinates[i]))];
        if (own.HasNumbers)
            return own.Coordinates;
        if (!own.HasNames)
            throw Wrong(name, "goes through numbers and runs; a placeholder sweeps one thing");
        foreach (string run in own.Coordinates.Select(coordinate => coordinate.Name!))
            if (VocabularyResolver.UnknownRun(run, prompts.Vocabulary) is { } problem)
                throw Wrong(name, $"goes through runs, and {problem.Message}");
        return [.. own.Coordinates.Select(coordinate => Run(coordinate.Name!))];
    }

    private SweepCoordinate Place(SweepCoordinate coordinate, PlaceholderRange range, string names, SweepCoordinate point)
    {
        (SelectionItem? place, string? problem) = ListedPoints.Place(coordinate.ToString(), range, schema, prompts.Vocabulary);
        return place is not null
            ? SweepCoordinate.OfPlace(place)
            : throw new InterventionException($"{graph.Name}: {Sentences.Of(Sentences.NoPoint, names, point, problem!)}.");
    }

    private SweepCoordinate Run(string name) => SweepCoordinate.OfRun(name, prompts.Vocabulary.Runs.ToList().IndexOf(name));

    private ImmutableArray<SweepCoordinate> Places(PlaceholderRange range)
    {
        // Where prompts differ in length, a range up to the end is another list in each, also if another use cuts it short.
        SelectionItem? open = resolved.SelectMany(use => use.Sweeps)
            .Where(sweep => sweep.Selection.Placeholder == range.Name && SiteResolver.IsPositionAxis(sweep.Axis))
            .SelectMany(sweep => sweep.Selection.Items).FirstOrDefault(SiteExpansion.SpansTheLength);
        if (open is not null && _lengths.Length > 1)
            throw Ragged(range.Name, $"positions {open.First}..{open.Last}");
        // A bare {pos} runs through all positions.
        EquatableArray<SelectionItem> listed = range.Items ?? EquatableArray.Of(new SelectionItem(null, 0, -1));
        SelectionItem[] items = [.. listed.SelectMany(item => Singles(item, range)).Distinct()];
        return items.Length == 0
            ? throw Wrong(range.Name, "ranges over nothing: its uses have no index in common")
            : [.. items.Select(item => SweepCoordinate.OfPlace(item))];
    }

    /// <summary>A range that ends at a place counted from the end is a list only if all prompts are equally long.</summary>
    private IEnumerable<SelectionItem> Singles(SelectionItem item, PlaceholderRange range)
    {
        if (item.Name is not null || item.First == item.Last)
            return [item];
        string what = range.Items is null ? "all positions" : $"positions {item.First}..{item.Last}";
        if (_lengths.Length > 1)
            throw Ragged(range.Name, what);
        IReadOnlyList<int> indices = SiteExpansion.Indices(new Selection(null, EquatableArray.Of(item)), _lengths[0]);
        return indices.Count > 0
            ? indices.Select(i => new SelectionItem(null, i, i))
            : throw Wrong(range.Name, $"sweeps {what}, which is nothing in prompts of {TextTable.Count(_lengths[0], "token")}");
    }

    /// <summary>The length of the prompts; null where they differ.</summary>
    private static int? LengthOf(IPromptSet prompts) =>
        prompts.Prompts.Select(prompt => prompt.Runs[0].Ids.Count).Distinct().Take(2).ToArray() is [int length] ? length : null;

    private InterventionException Ragged(string name, string what) => Wrong(
        name,
        $"sweeps {what}, but the prompts have {_lengths[0]} to {_lengths[^1]} tokens. " +
        $"Name them, as in {{{name}=0..{_lengths[0] - 1}}} or {{{name}=end}}");

    private InterventionException Wrong(string name, string problem) => new($"{graph.Name}: placeholder '{{{name}}}' {problem}.");
}
