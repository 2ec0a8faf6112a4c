using System.Collections.Immutable;
using Interventions.Runtime;
using Interventions.Sites;

namespace Interventions.Binding;

/// <summary>Finds out what each placeholder runs through.</summary>
internal sealed class SweepBinder(InterventionGraph graph, ModelSchema schema, IPromptSet prompts, IReadOnlyList<SiteResolution> resolved)
{
    private readonly int[] _lengths = [.. prompts.Prompts.Select(prompt => prompt.Runs[0].Ids.Count).Distinct().Order()];

    private readonly IReadOnlyList<PlaceholderRange> _ranges = SiteExpansion.Placeholders(
        resolved, schema, prompts.Prompts.Select(prompt => (int?)prompt.Runs[0].Ids.Count).Distinct().Take(2).ToArray() is [var length] ? length : null);

    /// <summary>The axis of a placeholder that a write has.</summary>
    /// <exception cref="InterventionException">It has no values, or contradictory ones.</exception>
    public SweepAxis Axis(string name)
    {
        PlaceholderRange? range = _ranges.FirstOrDefault(range => range.Name == name);
        SweptAxis[] listed = [.. graph.Sweeps.Where(sweep => sweep.Name == name)];
        if (listed.Length == 0)
            return range is not null ? new SweepAxis(name, Places(range)) : new SweepAxis(name, [.. prompts.Vocabulary.Runs.Select(Run)]);
        if (range is not null)
            throw Wrong(name, $"has values of its own, and is a {range.Axis} in a site path; a placeholder sweeps one thing");
        ImmutableArray<SweepValue>[] values = [.. listed.Select(Values)];
        if (values.Any(other => !other.SequenceEqual(values[0])))
            throw Wrong(name, "is swept twice, through different values");
        if (values[0].Distinct().Count() < values[0].Length)
            throw Wrong(name, "goes through a value twice");
        return values[0].IsEmpty ? throw Wrong(name, "goes through no values") : new SweepAxis(name, values[0]);
    }

    /// <summary>Whatever reads a sweep reads one that a write sweeps, of the right kind; whatever is listed is used.</summary>
    /// <exception cref="InterventionException">It does not.</exception>
    public void CheckUses(IReadOnlyList<string> swept, IEnumerable<(string Method, ImmutableArray<BoundRead> Reads)> methods)
    {
        foreach (SweptAxis sweep in graph.Sweeps)
            if (!swept.Contains(sweep.Name))
                throw Wrong(sweep.Name, "is listed, but no write uses it");
        foreach ((string method, ImmutableArray<BoundRead> reads) in methods)
        {
            foreach (BoundRead read in reads)
            {
                if (read.Sweep is not string name)
                    continue;
                SweptAxis? listed = graph.Sweeps.FirstOrDefault(sweep => sweep.Name == name);
                if (!swept.Contains(name))
                    throw Wrong(name, $"is not swept: no write uses it, though {method} does");
                if (read is BoundRead.Swept && listed is not SweptAxis.Numbers)
                    throw Wrong(name, $"has no numbers, which {method} needs: list them, as in [Sweep(\"{name}\", 0.5, 1, 2)]");
                if (read is not BoundRead.Swept && (listed is SweptAxis.Numbers || _ranges.Any(range => range.Name == name)))
                    throw Wrong(name, $"goes through numbers, and {method} needs a run");
            }
        }
    }

    private ImmutableArray<SweepValue> Values(SweptAxis axis) => axis switch
    {
        SweptAxis.Numbers numbers => [.. numbers.Values.Select(value => new SweepValue.Number(value))],
        SweptAxis.Runs runs => [.. runs.Values.Select(run =>
            VocabularyResolver.UnknownRun(run, prompts.Vocabulary) is { } problem ? throw Wrong(axis.Name, $"goes through runs, and {problem.Message}") : Run(run))],
        _ => throw new InvalidOperationException($"Unknown sweep {axis}."),
    };

    private SweepValue Run(string name) => new SweepValue.Run(prompts.Vocabulary.Runs.ToList().IndexOf(name), name);

    private ImmutableArray<SweepValue> Places(PlaceholderRange range)
    {
        // Where prompts differ in length, a range up to the end is another list in each, also if another use cuts it short.
        foreach (SelectionItem open in resolved.SelectMany(use => use.Sweeps).Where(sweep => sweep.Selection.Placeholder == range.Name && SiteResolver.IsPositionAxis(sweep.Axis))
            .SelectMany(sweep => sweep.Selection.Items).Where(SiteExpansion.SpansTheLength))
            if (_lengths.Length > 1)
                throw Ragged(range.Name, $"positions {open.First}..{open.Last}");
        // A bare {pos} runs through all positions.
        SelectionItem[] items = [.. (range.Items ?? EquatableArray.Of(new SelectionItem(null, 0, -1))).SelectMany(item => Singles(item, range)).Distinct()];
        return items.Length == 0
            ? throw Wrong(range.Name, "ranges over nothing: its uses have no index in common")
            : [.. items.Select(item => new SweepValue.Place(item))];
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

    private InterventionException Ragged(string name, string what) =>
        Wrong(name, $"sweeps {what}, but the prompts have {_lengths[0]} to {_lengths[^1]} tokens. Name them, as in {{{name}=0..{_lengths[0] - 1}}} or {{{name}=end}}");

    private InterventionException Wrong(string name, string problem) => new($"{graph.Name}: placeholder '{{{name}}}' {problem}.");
}
