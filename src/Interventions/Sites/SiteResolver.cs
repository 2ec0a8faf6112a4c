using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using Interventions.Runtime;

namespace Interventions.Sites;

/// <summary>
/// Compares paths with a model and a prompt set. The analyzers and the refusal at run time both come from here, so both say the same.
/// </summary>
internal static class SiteResolver
{
    /// <summary>Finds the site that a path names, and checks every index and name in it.</summary>
    /// <param name="path">The path.</param>
    /// <param name="schema">The model's names.</param>
    /// <param name="prompts">The prompt set's names; without them the names of positions are not checked.</param>
    public static SiteResolution Resolve(SitePath path, ModelSchema schema, PromptVocabulary? prompts)
    {
        var problems = new List<SiteProblem>();
        // A path that names no site of the model has indices of layers too, be they in another library's spelling.
        PathIndices? indices = path.Segments.Select(segment => segment.Indices).FirstOrDefault(found => found is not null);
        if (indices is not null)
            CheckIndices(SiteProblemKind.LayerOutOfRange, "layer", path.Site, indices, schema.SizeOf("layer"), schema.Model, problems);
        SiteDefinition? site = SiteMatcher.Find(path.Segments, schema);
        if (site is null)
        {
            SiteProblem problem;
            (site, problem) = SiteDiagnosis.Explain(path, schema);
            // In a layer that the model lacks, whatever was meant does not exist.
            if (site is not null || problems.Count == 0)
                problems.Add(problem);
        }
        if (site is not null)
        {
            if (indices is not null && problems.Count == 0)
                CheckSpliced(site, path.Site, indices, schema.SizeOf("layer"), problems);
            foreach (PathSelector selector in path.Selectors)
                CheckSelector(path, site, selector, schema, prompts, problems);
        }
        Selection? layer = site is null ? null : indices?.Selection;
        return new SiteResolution(
            path, site, layer, path.Selectors.Select(Selected).ToEquatableArray(), problems.ToEquatableArray());

        AxisSelection Selected(PathSelector selector) => new(
            selector.Axis, prompts is null ? selector.Indices.Selection : selector.Indices.Selection.WithNames(prompts));
    }

    /// <summary>Parses and resolves one path: see <see cref="SitePaths.Resolve"/>.</summary>
    public static (SiteResolution? Resolution, EquatableArray<SiteProblem> Problems) Resolve(
        string text, ModelSchema schema, PromptVocabulary? prompts) => new SitePaths().Resolve(text, schema, prompts);

    /// <summary>
    /// Whether indices of the axis count tokens: they may then be names, and the axis has no length before the prompts are known.
    /// </summary>
    public static bool IsPositionAxis(string axis) => axis is "pos" or "query" or "key";

    /// <summary>The axes of a site that a selector can name.</summary>
    public static IReadOnlyList<string> SelectableAxes(SiteDefinition site) =>
        site.Axes.Where(axis => axis is not ("batch" or "vocab" or "one") && !axis.StartsWith("d_", StringComparison.Ordinal))
            .ToList();

    private static void CheckSelector(
        SitePath path,
        SiteDefinition site,
        PathSelector selector,
        ModelSchema schema,
        PromptVocabulary? prompts,
        List<SiteProblem> problems)
    {
        if (!SelectableAxes(site).Contains(selector.Axis))
        {
            problems.Add(AxisDiagnosis.Explain(path, site, selector, schema));
        }
        else if (IsPositionAxis(selector.Axis))
        {
            CheckPositions(path, selector, prompts, problems);
        }
        else
        {
            CheckIndices(
                SiteProblemKind.IndexOutOfRange, selector.Axis, path.Text, selector.Indices,
                schema.SizeOf(site, selector.Axis), site.Splice ?? schema.Model, problems);
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
            if (item.Name == NewTokens.Named && prompts.Positions.Count == 0)
                problems.Add(SiteProblem.At(SiteProblemKind.UnknownPosition, span, $"{prompts.PromptSet} names no positions"));
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
                problems.Add(SiteProblem.At(
                    kind, indices.ItemSpans[i], $"'{item.Name}' in '{of}' is not a {axis}: only positions have names"));
            else if (size is { } known && Wrong(item, axis, of, owner, known) is { } message)
                problems.Add(SiteProblem.At(kind, indices.ItemSpans[i], message));
        }
        if (problems.Count == 0 && indices.Selection.Except && size is { } all && SiteExpansion.Indices(indices.Selection, all).Count == 0)
            problems.Add(SiteProblem.At(kind, indices.Span, $"'{of}' leaves out every {axis}: {owner} has {all}"));
    }

    /// <summary>A splice's sites exist in its own layers only; <c>*</c> is all of those.</summary>
    private static void CheckSpliced(SiteDefinition site, string of, PathIndices indices, int? layers, List<SiteProblem> problems)
    {
        if (site.Layers.Count == 0 || layers is not { } count)
            return;
        for (int i = 0; i < indices.Selection.Items.Count; i++)
        {
            var item = new Selection(null, EquatableArray.Of(indices.Selection.Items[i]));
            foreach (int layer in SiteExpansion.Indices(item, count).Where(layer => !site.Layers.Contains(layer)).Take(1))
                problems.Add(SiteProblem.At(
                    SiteProblemKind.LayerOutOfRange, indices.ItemSpans[i],
                    $"layer {layer} has no '{of}': {site.Splice} is spliced into " +
                    $"layer{(site.Layers.Count == 1 ? "" : "s")} {Numbers(site.Layers)}"));
        }
    }

    private static string Numbers(IEnumerable<int> numbers) =>
        Spelling.List(numbers.Select(number => number.ToString(CultureInfo.InvariantCulture)).ToList());

    private static string? Wrong(SelectionItem item, string axis, string of, string model, int size)
    {
        foreach (int index in new[] { item.First, item.Last })
            if (index >= size || index < -size)
                return OutOfRange(axis, index, of, model, size);
        return Wrap(item.First, size) > Wrap(item.Last, size)
            ? $"the range {item.First}..{item.Last} of '{of}' is empty: {model} has {size} {axis}s"
            : null;
    }

    /// <summary>Says that an axis is shorter.</summary>
    internal static string OutOfRange(string axis, int index, string of, string model, int size)
    {
        string has = size == 1 ? $"1 {axis} (0)" : $"{size} {axis}s (0 to {size - 1})";
        return $"{axis} {index} of '{of}' is out of range: {model} has {has}";
    }

    /// <summary>A negative index counts from the end.</summary>
    internal static int Wrap(int index, int size) => index < 0 ? index + size : index;

    internal static string Replace(string text, PathSpan span, string replacement) =>
        text.Substring(0, span.Start) + replacement + text.Substring(span.Start + span.Length);
}

/// <summary>A path compared with a model: the site and what is selected of it, or what is wrong.</summary>
/// <param name="Path">The path.</param>
/// <param name="Site">The site; <see langword="null"/> when there is none of that name.</param>
/// <param name="Layer">The selected layers; <see langword="null"/> when the site has no layer.</param>
/// <param name="Axes">The selected indices of axes, in the order of the path. An axis that is not listed is taken whole.</param>
/// <param name="Problems">What is wrong; empty on success.</param>
internal sealed record SiteResolution(
    SitePath Path, SiteDefinition? Site, Selection? Layer, EquatableArray<AxisSelection> Axes, EquatableArray<SiteProblem> Problems)
{
    /// <summary>Whether nothing is wrong.</summary>
    public bool IsSuccess => Problems.Count == 0;

    /// <summary>Every placeholder with the axis that it sweeps (<c>layer</c> for the layer), in the order of the path.</summary>
    public IEnumerable<AxisSelection> Sweeps
    {
        get
        {
            if (Layer is { IsSweep: true })
                yield return new AxisSelection("layer", Layer);
            foreach (AxisSelection axis in Axes)
                if (axis.Selection.IsSweep)
                    yield return axis;
        }
    }
}

/// <summary>The selected indices of an axis.</summary>
internal sealed record AxisSelection(string Axis, Selection Selection);

/// <summary>Compares a path with site templates segment by segment.</summary>
internal static class SiteMatcher
{
    public const string Layer = "{layer}";

    public static SiteDefinition? Find(IReadOnlyList<PathSegment> segments, ModelSchema schema) =>
        schema.Sites.FirstOrDefault(site => IsAt(segments, site.Path));

    /// <summary>The reason why the model has no such site, if it gives one.</summary>
    public static string? WhyAbsent(IReadOnlyList<PathSegment> segments, ModelSchema schema) =>
        schema.Absent.FirstOrDefault(site => IsAt(segments, site.Path))?.Reason;

    /// <summary>
    /// Whether the segments are the template's. The template is compared in place, not split: every path is compared with every site.
    /// </summary>
    private static bool IsAt(IReadOnlyList<PathSegment> segments, string template)
    {
        int start = 0;
        for (int i = 0; i < segments.Count; i++)
        {
            string? name = segments[i].Indices is null ? segments[i].Name : Layer;
            int end = start + name?.Length ?? 0;
            if (name is null || end > template.Length || string.CompareOrdinal(template, start, name, 0, name.Length) != 0
                || (end < template.Length && template[end] != '.'))
                return false;
            start = end + 1;
        }
        return start == template.Length + 1;
    }

    public static string[] Split(SiteDefinition site) => site.Path.Split('.');

    /// <summary>How many segments fit, from the first on.</summary>
    public static int Prefix(IReadOnlyList<PathSegment> segments, string[] template)
    {
        int i = 0;
        while (i < segments.Count && i < template.Length && Fits(segments[i], template[i]))
            i++;
        return i;
    }

    /// <summary>Whether a path's segment is the template's: indices where that has its layer, else the same name.</summary>
    public static bool Fits(PathSegment segment, string template) =>
        template == Layer ? segment.Indices is not null : segment.Name == template;

    /// <summary>A site's name with a path's own indices: <c>blocks.[6..8].mlp_out</c>.</summary>
    public static string Fill(IEnumerable<string> template, SitePath path)
    {
        var indices = new Queue<string>(
            path.Segments.Where(segment => segment.Indices is not null).Select(segment => Text(segment, path)));
        return string.Join(".", template.Select(segment => segment == Layer && indices.Count > 0 ? indices.Dequeue() : segment));
    }

    public static string Text(PathSegment segment, SitePath path) => path.Text.Substring(segment.Span.Start, segment.Span.Length);

    /// <summary>A site with each way of naming layers, for a message.</summary>
    public static string Layers(string[] template, ModelSchema schema)
    {
        string With(string layer) =>
            "'" + string.Join(".", template.Select(segment => segment == Layer ? layer : segment)) + "'";
        string numbers = schema.SizeOf("layer") switch
        {
            { } size and > 1 => $"{With("0")} … {With((size - 1).ToString(CultureInfo.InvariantCulture))}",
            _ => With("0"),
        };
        return $"{numbers}, {With("*")} or {With(Layer)}";
    }
}
