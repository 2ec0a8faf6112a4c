using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using Interventions.Runtime;

namespace Interventions.Sites;

/// <summary>From names to numbers: concrete sites, indices of an axis, and what a placeholder ranges over.</summary>
internal static class SiteExpansion
{
    /// <summary>The name of a site in one layer: <c>blocks.3.attn.z</c>. A site without a layer keeps its name.</summary>
    public static string Concrete(SiteDefinition site, int layer) =>
        site.Path.Replace(SiteMatcher.Layer, layer.ToString(CultureInfo.InvariantCulture));

    /// <summary>The layers that a selection names of a site, in the order of the selection.</summary>
    /// <param name="site">The site.</param>
    /// <param name="selection">The selection.</param>
    /// <param name="layerCount">How many layers the model has.</param>
    public static IReadOnlyList<int> Layers(SiteDefinition site, Selection selection, int layerCount) =>
        site.Layers.Count == 0 || (selection.Items.Count > 0 && !selection.Except) ? Indices(selection, layerCount) :
        selection.Items.Count == 0 ? site.Layers :
        Indices(selection, layerCount).Where(site.Layers.Contains).ToArray();

    /// <summary>The indices that a selection names on an axis, in the order of the selection, negative ones resolved.</summary>
    /// <param name="selection">The selection. A placeholder's items count as a list.</param>
    /// <param name="size">The length of the axis.</param>
    /// <param name="position">
    /// Where a named position is; needed when the selection has names. Each item then gives a position, also where two items are one token
    /// of a prompt, so that every prompt has equally many.
    /// </param>
    public static IReadOnlyList<int> Indices(Selection selection, int size, Func<string, int>? position = null)
    {
        if (selection.Items.Count == 0)
            return Enumerable.Range(0, size).ToArray();
        if (selection.Except)
            return Enumerable.Range(0, size).Except(Indices(selection with { Except = false }, size, position)).ToArray();
        var indices = new List<int>();
        foreach (SelectionItem item in selection.Items)
        {
            int offset = item.Name is null ? 0 : (position ?? throw new ArgumentNullException(nameof(position)))(item.Name);
            int first = item.Name is null ? SiteResolver.Wrap(item.First, size) : offset + item.First;
            int last = item.Name is null ? SiteResolver.Wrap(item.Last, size) : first;
            for (int i = first; i <= last; i++)
                if (position is not null || !indices.Contains(i))
                    indices.Add(i);
        }
        return indices;
    }

    /// <summary>What each placeholder ranges over: the intersection of its uses, in the order of first appearance.</summary>
    /// <param name="uses">The paths, in textual order.</param>
    /// <param name="schema">The model, for the lengths of axes.</param>
    /// <param name="length">How many tokens every prompt has; unknown without prompts, or where they differ.</param>
    public static IReadOnlyList<PlaceholderRange> Placeholders(IEnumerable<SiteResolution> uses, ModelSchema schema, int? length = null)
    {
        var ranges = new List<PlaceholderRange>();
        foreach ((SiteDefinition? site, AxisSelection sweep) in uses.SelectMany(use => use.Sweeps.Select(sweep => (use.Site, sweep))))
        {
            string name = sweep.Selection.Placeholder!;
            int known = ranges.FindIndex(range => range.Name == name);
            EquatableArray<SelectionItem>? items = Items(site, sweep, schema);
            if (known < 0)
                ranges.Add(new PlaceholderRange(name, sweep.Axis, items));
            else
                ranges[known] = ranges[known] with { Items = Intersect(ranges[known].Items, items, length) };
        }
        return ranges;
    }

    private static EquatableArray<SelectionItem>? Items(SiteDefinition? site, AxisSelection sweep, ModelSchema schema)
    {
        if (site is { Layers.Count: > 0 } && sweep.Axis == "layer" && (sweep.Selection.Items.Count == 0 || sweep.Selection.Except))
            return Layers(site, sweep.Selection, site.Layers.Max() + 1).Select(Single).ToEquatableArray();
        if ((site is null ? schema.SizeOf(sweep.Axis) : schema.SizeOf(site, sweep.Axis)) is { } size)
            return Indices(sweep.Selection, size).Select(Single).ToEquatableArray();
        // A negative index of an axis of unknown length may be any.
        if (sweep.Selection.Items.Count == 0 || sweep.Selection.Except
            || (!SiteResolver.IsPositionAxis(sweep.Axis) && sweep.Selection.Items.Any(item => item.First < 0 || item.Last < 0)))
            return null;
        // Positions: names stay names, since they differ from prompt to prompt; a range across the end cannot be listed without the length.
        return sweep.Selection.Items.SelectMany(item =>
            item == NewTokens.Every || SpansTheLength(item) || (item.Name is not null && !item.IsNew())
                ? [item]
                : Enumerable.Range(item.First, item.Last - item.First + 1).Select(index => new SelectionItem(item.Name, index, index)))
            .ToEquatableArray();
    }

    private static SelectionItem Single(int index) => new(null, index, index);

    /// <summary>
    /// Whether a range goes from the front to a place counted from the end, <c>1..-2</c>: how many indices it has depends on the prompt.
    /// </summary>
    internal static bool SpansTheLength(SelectionItem item) => item.Name is null && (item.First < 0) != (item.Last < 0);

    private static EquatableArray<SelectionItem>? Intersect(
        EquatableArray<SelectionItem>? left, EquatableArray<SelectionItem>? right, int? length)
    {
        if (left is not { } some)
            return right;
        if (right is not { } others)
            return left;
        if (!some.Any(SpansTheLength) && !others.Any(SpansTheLength))
            return some.Where(item => others.Contains(item)).ToEquatableArray();
        if (length is { } size)
        {
            var places = new HashSet<(string?, int)>(others.SelectMany(item => Singles(item, size)).Select(item => Place(item, size)));
            return some.SelectMany(item => Singles(item, size)).Where(item => places.Contains(Place(item, size))).ToEquatableArray();
        }
        // Without the length, what surely lies before the range is left out, and nothing else.
        (EquatableArray<SelectionItem> listed, EquatableArray<SelectionItem> open) =
            some.Any(SpansTheLength) ? (others, some) : (some, others);
        return listed
            .Where(item => open.Any(range => item == range || (SpansTheLength(range) && MayLieIn(item, range)))).ToEquatableArray();
    }

    internal static bool MayLieIn(SelectionItem item, SelectionItem range) =>
        item.Name is null && (SpansTheLength(item) || (item.First < 0) != (range.First < 0) || item.First >= range.First);

    private static IEnumerable<SelectionItem> Singles(SelectionItem item, int size) =>
        SpansTheLength(item) ? Indices(new Selection(null, EquatableArray.Of(item)), size).Select(Single) : [item];

    private static (string?, int) Place(SelectionItem item, int size) =>
        (item.Name, item.Name is null ? SiteResolver.Wrap(item.First, size) : item.First);
}

/// <summary>What a placeholder ranges over.</summary>
/// <param name="Name">The name inside the braces.</param>
/// <param name="Axis">The axis that it sweeps; <c>layer</c> for the layer.</param>
/// <param name="Items">
/// Single indices or named positions, in order; <see langword="null"/> when only the prompts can say (<c>{pos}</c>).
/// </param>
internal sealed record PlaceholderRange(string Name, string Axis, EquatableArray<SelectionItem>? Items);
