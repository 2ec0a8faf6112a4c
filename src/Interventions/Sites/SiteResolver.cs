using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using Interventions.Runtime;

namespace Interventions.Sites;

/// <summary>Compares paths with a model and a prompt set. The analyzers and the refusal at run time both come from here, so both say the same.</summary>
internal static class SiteResolver
{
    /// <summary>Finds the site that a path names, and checks every index and name in it.</summary>
    /// <param name="path">The path.</param>
    /// <param name="schema">The model's names.</param>
    /// <param name="prompts">The prompt set's names; without them the names of positions are not checked.</param>
    public static SiteResolution Resolve(SitePath path, ModelSchema schema, PromptVocabulary? prompts)
    {
        var problems = new List<SiteProblem>();
        SiteDefinition? site = SiteMatcher.Find(path.Segments, schema);
        if (site is null)
        {
            SiteProblem problem;
            (site, problem) = SiteDiagnosis.Explain(path, schema);
            problems.Add(problem);
        }
        Selection? layer = null;
        if (site is not null)
        {
            // A path in TransformerLens's spelling has the same indices, though other names.
            PathIndices? indices = path.Segments.Select(segment => segment.Indices).FirstOrDefault(found => found is not null);
            layer = indices?.Selection;
            if (indices is not null)
            {
                CheckIndices(SiteProblemKind.LayerOutOfRange, "layer", path.Site, indices, schema.SizeOf("layer"), schema.Model, problems);
                if (problems.Count == 0)
                    CheckSpliced(site, path.Site, indices, schema.SizeOf("layer"), problems);
            }
            foreach (PathSelector selector in path.Selectors)
                CheckSelector(path, site, selector, schema, prompts, problems);
        }
        return new SiteResolution(
            path, site, layer,
            path.Selectors.Select(selector => new AxisSelection(selector.Axis, selector.Indices.Selection)).ToEquatableArray(),
            problems.ToEquatableArray());
    }

    /// <summary>Parses and resolves: a path that breaks the grammar has that as its only problem, and no resolution.</summary>
    public static (SiteResolution? Resolution, EquatableArray<SiteProblem> Problems) Resolve(
        string text, ModelSchema schema, PromptVocabulary? prompts)
    {
        if (!SitePath.TryParse(text, out SitePath? path, out SiteProblem? problem))
            return (null, EquatableArray.Of(problem));
        SiteResolution resolution = Resolve(path, schema, prompts);
        return (resolution, resolution.Problems);
    }

    /// <summary>Whether indices of the axis count tokens, so that they may be names and have no length before the prompts are known.</summary>
    public static bool IsPositionAxis(string axis) => axis is "pos" or "query" or "key";

    /// <summary>The axes of a site that a selector can name.</summary>
    public static IReadOnlyList<string> SelectableAxes(SiteDefinition site) =>
        site.Axes.Where(axis => axis is not ("batch" or "vocab" or "one") && !axis.StartsWith("d_", StringComparison.Ordinal)).ToList();

    private static void CheckSelector(
        SitePath path, SiteDefinition site, PathSelector selector, ModelSchema schema, PromptVocabulary? prompts, List<SiteProblem> problems)
    {
        IReadOnlyList<string> axes = SelectableAxes(site);
        if (!axes.Contains(selector.Axis))
        {
            string? nearest = Spelling.Nearest(selector.Axis, axes);
            string has =
                nearest is not null ? $"; did you mean '{nearest}'?" :
                axes.Count == 0 ? "; nothing of it can be selected" :
                $"; its axes are {Spelling.List(axes)}";
            problems.Add(SiteProblem.At(
                SiteProblemKind.UnknownAxis, selector.AxisSpan, $"'{path.Site}' has no axis '{selector.Axis}'{has}",
                nearest is null ? null : Replace(path.Text, selector.AxisSpan, nearest)));
        }
        else if (IsPositionAxis(selector.Axis))
        {
            CheckPositions(path, selector, prompts, problems);
        }
        else
        {
            CheckIndices(
                SiteProblemKind.IndexOutOfRange, selector.Axis, path.Text, selector.Indices, schema.SizeOf(site, selector.Axis), site.Splice ?? schema.Model, problems);
        }
    }

    private static void CheckPositions(SitePath path, PathSelector selector, PromptVocabulary? prompts, List<SiteProblem> problems)
    {
        for (int i = 0; i < selector.Indices.Selection.Items.Count; i++)
        {
            SelectionItem item = selector.Indices.Selection.Items[i];
            PathSpan span = selector.Indices.ItemSpans[i];
            if (item.Name is null || prompts is null)
                continue;
            if (VocabularyResolver.UnknownPosition(item.Name, prompts) is { } problem)
            {
                var name = new PathSpan(span.Start, item.Name.Length);
                problems.Add(SiteProblem.At(
                    problem.Kind, name, problem.Message, problem.Suggestion is null ? null : Replace(path.Text, name, problem.Suggestion)));
            }
        }
    }

    private static void CheckIndices(
        SiteProblemKind kind, string axis, string of, PathIndices indices, int? size, string owner, List<SiteProblem> problems)
    {
        for (int i = 0; i < indices.Selection.Items.Count; i++)
        {
            SelectionItem item = indices.Selection.Items[i];
            if (item.Name is not null)
                problems.Add(SiteProblem.At(kind, indices.ItemSpans[i], $"'{item.Name}' in '{of}' is not a {axis}: only positions have names"));
            else if (size is { } known && Wrong(item, axis, of, owner, known) is { } message)
                problems.Add(SiteProblem.At(kind, indices.ItemSpans[i], message));
        }
    }

    /// <summary>A splice's sites exist in its own layers only; <c>*</c> is all of those.</summary>
    private static void CheckSpliced(SiteDefinition site, string of, PathIndices indices, int? layers, List<SiteProblem> problems)
    {
        if (site.Layers.Count == 0 || layers is not { } count)
            return;
        for (int i = 0; i < indices.Selection.Items.Count; i++)
            foreach (int layer in SiteExpansion.Indices(new Selection(null, EquatableArray.Of(indices.Selection.Items[i])), count))
                if (!site.Layers.Contains(layer))
                {
                    problems.Add(SiteProblem.At(
                        SiteProblemKind.LayerOutOfRange, indices.ItemSpans[i],
                        $"layer {layer} has no '{of}': {site.Splice} is spliced into layer{(site.Layers.Count == 1 ? "" : "s")} {Numbers(site.Layers)}"));
                    break;
                }
    }

    private static string Numbers(IEnumerable<int> numbers) =>
        Spelling.List(numbers.Select(number => number.ToString(CultureInfo.InvariantCulture)).ToList());

    private static string? Wrong(SelectionItem item, string axis, string of, string model, int size)
    {
        foreach (int index in new[] { item.First, item.Last })
            if (index >= size || index < -size)
                return $"{axis} {index} of '{of}' is out of range: {model} has {size} {axis}{(size == 1 ? " (0)" : $"s (0 to {size - 1})")}";
        return Wrap(item.First, size) > Wrap(item.Last, size)
            ? $"the range {item.First}..{item.Last} of '{of}' is empty: {model} has {size} {axis}s"
            : null;
    }

    /// <summary>A negative index counts from the end.</summary>
    internal static int Wrap(int index, int size) => index < 0 ? index + size : index;

    internal static string Replace(string text, PathSpan span, string replacement) =>
        text.Substring(0, span.Start) + replacement + text.Substring(span.Start + span.Length);
}
