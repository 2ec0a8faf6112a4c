using System.Collections.Immutable;
using Interventions.Runtime;
using Interventions.Sites;

namespace Interventions.Binding;

/// <summary>Finds out what each placeholder goes through.</summary>
internal sealed class SweepBinder(
    InterventionGraph graph, ModelSchema schema, IPromptSet prompts, IReadOnlyList<SiteResolution> resolved)
{
    private readonly int[] _lengths = [.. prompts.Prompts.Select(prompt => prompt.Runs[0].Ids.Count).Distinct().Order()];

    private readonly IReadOnlyList<PlaceholderRange> _ranges = SiteExpansion.Placeholders(resolved, schema, LengthOf(prompts));

    /// <summary>The axis of a placeholder that a write has.</summary>
    /// <exception cref="InterventionException">It has no values, or contradictory ones.</exception>
    public SweepAxis Axis(string name)
    {
        PlaceholderRange? range = _ranges.FirstOrDefault(range => range.Name == name);
        SweepAxis[] listed = [.. graph.Sweeps.Where(sweep => sweep.Name == name)];
        if (listed.Length == 0)
            return new SweepAxis(name, range is not null ? Places(range) : [.. prompts.Vocabulary.Runs.Select(Run)]);
        if (range is not null)
            throw Wrong(name, $"has values of its own, and is a {range.Axis} in a site path; a placeholder sweeps one thing");
        ImmutableArray<SweepCoordinate>[] values = [.. listed.Select(Bound)];
        if (values.Any(other => !other.SequenceEqual(values[0])))
            throw Wrong(name, "is swept twice, through different values");
        if (values[0].Distinct().Count() < values[0].Length)
            throw Wrong(name, "goes through a value twice");
        return values[0].IsEmpty ? throw Wrong(name, "goes through no values") : new SweepAxis(name, values[0]);
    }

    /// <summary>Checks that parameters read sweeps of the right kind, which a write has, and that all listed sweeps are used.</summary>
    /// <exception cref="InterventionException">One does not, or is not.</exception>
    public void CheckUses(IReadOnlyList<string> swept, IEnumerable<(string Method, ImmutableArray<BoundRead> Reads)> methods)
    {
        foreach (SweepAxis sweep in graph.Sweeps)
            if (!swept.Contains(sweep.Name))
                throw Wrong(sweep.Name, "is listed, but no write uses it");
        foreach ((string method, ImmutableArray<BoundRead> reads) in methods)
        {
            foreach (BoundRead read in reads)
            {
                if (read.Sweep is not string name)
                    continue;
                bool hasNumbers = graph.Sweeps.Any(sweep => sweep.Name == name && sweep.HasNumbers);
                if (!swept.Contains(name))
                    throw Wrong(name, $"is not swept: no write uses it, though {method} does");
                if (read is BoundRead.Swept && !hasNumbers)
                    throw Wrong(name, $"has no numbers, which {method} needs: list them, as in [Sweep(\"{name}\", 0.5, 1, 2)]");
                if (read is not BoundRead.Swept && (hasNumbers || _ranges.Any(range => range.Name == name)))
                    throw Wrong(name, $"goes through numbers, and {method} needs a run");
            }
        }
    }

    /// <summary>The coordinates of a listed sweep: numbers as they are, runs with their numbers.</summary>
    private ImmutableArray<SweepCoordinate> Bound(SweepAxis listed)
    {
        if (listed.HasNumbers)
            return listed.Coordinates;
        if (!listed.HasNames)
            throw Wrong(listed.Name, "goes through numbers and runs; a placeholder sweeps one thing");
        foreach (string run in listed.Coordinates.Select(coordinate => coordinate.Name!))
            if (VocabularyResolver.UnknownRun(run, prompts.Vocabulary) is { } problem)
                throw Wrong(listed.Name, $"goes through runs, and {problem.Message}");
        return [.. listed.Coordinates.Select(coordinate => Run(coordinate.Name!))];
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
            : throw Wrong(range.Name, $"sweeps {what}, which is nothing in prompts of {_lengths[0]} tokens");
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
