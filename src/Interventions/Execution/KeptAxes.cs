using System.Collections.Immutable;
using System.Globalization;
using Interventions.Binding;
using Interventions.Results;
using Interventions.Runtime;
using Interventions.Sites;

namespace Interventions.Execution;

/// <summary>
/// The names of a kept value's axes: a method may drop or add some, so an axis is the site's where its length, in order, fits one alone.
/// </summary>
internal static class KeptAxes
{
    /// <summary>The axes behind that of prompts.</summary>
    /// <param name="site">The site that was kept.</param>
    /// <param name="point">A point of the sweep: all have one shape.</param>
    /// <param name="prompts">The prompts of the result.</param>
    /// <param name="shape">The kept value's shape, without the axis of prompts.</param>
    public static ImmutableArray<KeptAxis> Of(
        BoundSite site, SweepPoint point, IReadOnlyCollection<PromptTokens> prompts, long[] shape)
    {
        int[] axes = [.. Enumerable.Range(1, site.Axes.Length - 1)];
        int[] selected = [.. axes.Select(axis => Size(site, axis, point, prompts))];
        int?[] places = Places(selected, shape);
        return [.. shape.Select((size, i) =>
            places[i] is int place && Labels(site, axes[place], point, (int)size) is { IsDefault: false } labels
                ? new KeptAxis(site.Definition.Axes[axes[place]], labels)
                : KeptAxis.OfPlace(i + 1))];
    }

    private static int Size(BoundSite site, int axis, SweepPoint point, IReadOnlyCollection<PromptTokens> prompts) =>
        site.IsPositional(axis)
            ? prompts.Max(prompt => site.PositionIndices(axis, point, prompt.Runs[0], "a prompt").Count)
            : site.FixedIndices(axis, point, site.Sizes[axis] ?? 1).Count;

    /// <summary>
    /// Which of the site's axes each kept one is. Where all are there, those of the same length; else the only way to leave some out; else
    /// those in front whose length no other axis has.
    /// </summary>
    private static int?[] Places(int[] selected, long[] kept)
    {
        if (selected.Length == kept.Length)
            return [.. kept.Select((size, i) => size == selected[i] ? i : (int?)null)];
        int[][] ways = [.. Ways(0, 0).Take(2)];
        if (ways.Length == 1)
            return [.. ways[0].Select(place => (int?)place)];
        int front = ways.Length > 0 ? 0
            : kept.TakeWhile((size, i) => i < selected.Length && size == selected[i] && selected.Count(one => one == size) == 1).Count();
        return [.. kept.Select((_, i) => i < front ? i : (int?)null)];

        IEnumerable<int[]> Ways(int from, int at) => at == kept.Length
            ? [[]]
            : Enumerable.Range(from, selected.Length - from).Where(place => selected[place] == kept[at])
                .SelectMany(place => Ways(place + 1, at + 1).Select(rest => (int[])[place, .. rest]));
    }

    /// <summary>What is selected along an axis; default where that is another place in every prompt, without a name.</summary>
    private static ImmutableArray<string> Labels(BoundSite site, int axis, SweepPoint point, int size)
    {
        Selection selection = site.Axes[axis];
        if (selection.IsSweep)
            return [$"{{{selection.Placeholder}}}"];
        if (!site.IsPositional(axis))
            return selection.Items.Count == 0
                ? []
                : [.. site.FixedIndices(axis, point, site.Sizes[axis] ?? 1).Select(index => Text(null, index))];
        EquatableArray<SelectionItem> items = selection.OfPrompt()?.Items ?? default;
        if (items.Count == 0)
            return [];
        if (!items.Any(SiteExpansion.SpansTheLength))
            return [.. items.SelectMany(item =>
                Enumerable.Range(item.First, item.Last - item.First + 1).Select(index => Text(item.Name, index)))];
        // A range to the end begins at one place in all prompts.
        return items.Count > 1 || items[0].First < 0 ? default
            : items[0].First == 0 ? []
            : [.. Enumerable.Range(items[0].First, size).Select(index => Text(null, index))];
    }

    private static string Text(string? name, int index) =>
        name is null ? index.ToString(CultureInfo.InvariantCulture)
        : index == 0 ? name
        : name + index.ToString("+0;-0", CultureInfo.InvariantCulture);
}
