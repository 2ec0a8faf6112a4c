using System;
using System.Collections.Generic;
using System.Linq;

namespace Interventions.Sites;

/// <summary>
/// Says why a path names no site: another library's spelling, a missing segment, or a wrong one. Each has its own message.
/// </summary>
internal static class SiteDiagnosis
{
    /// <summary>What is wrong, and the site that is meant where that is beyond doubt.</summary>
    public static (SiteDefinition? Site, SiteProblem Problem) Explain(SitePath path, ModelSchema schema) =>
        ForeignNames.Explain(path, schema) is { } translated
            ? translated
            : (null, AbsentSite(path, schema) ?? MissingSegment(path, schema) ?? UnknownSegment(path, schema));

    /// <summary>A site that models like this one have, in any spelling, and this one has not.</summary>
    private static SiteProblem? AbsentSite(SitePath path, ModelSchema schema)
    {
        string? reason = SiteMatcher.WhyAbsent(path.Segments, schema)
            ?? ForeignNames.WhyAbsent(path, schema);
        PathSpan first = path.Segments[0].Span, last = path.Segments[path.Segments.Count - 1].Span;
        return reason is null ? null : SiteProblem.At(
            SiteProblemKind.UnknownSite, new PathSpan(first.Start, last.Start + last.Length - first.Start),
            $"{schema.Model} has no site '{path.Site}': {reason}");
    }

    private static SiteProblem? MissingSegment(SitePath path, ModelSchema schema)
    {
        IReadOnlyList<PathSegment> segments = path.Segments;
        int depth = Depth(path, schema);
        if (depth == segments.Count)
            return MissingTail(path, schema);

        // The shortest site that contains all written segments, in order and to the end.
        string[]? template = schema.Sites.Select(SiteMatcher.Split)
            .Where(candidate => IsPartOf(segments, candidate))
            .OrderBy(candidate => candidate.Length).FirstOrDefault();
        // Or a layer is missing and a later name is misspelled too.
        template ??= Candidates(path, schema, depth)
            .Where(candidate =>
                candidate.Length == segments.Count + 1 && candidate[depth] == SiteMatcher.Layer && segments[depth].Name is not null)
            .Where(candidate => IsNear(segments.Skip(depth), candidate.Skip(depth + 1)))
            .OrderBy(candidate => Distance(segments.Skip(depth), candidate.Skip(depth + 1))).FirstOrDefault();
        if (template is null)
            return null;

        PathSpan at = segments[depth].Span;
        return template.Contains(SiteMatcher.Layer) && !segments.Any(segment => segment.Indices is not null)
            ? SiteProblem.At(
                SiteProblemKind.MissingSegment, at,
                $"a layer is missing in '{path.Site}': write {SiteMatcher.Layers(template, schema)}")
            : SiteProblem.At(
                SiteProblemKind.MissingSegment, at,
                $"a segment is missing in '{path.Site}'; did you mean '{SiteMatcher.Fill(template, path)}'?",
                SiteMatcher.Fill(template, path) + path.SelectorText);
    }

    private static SiteProblem MissingTail(SitePath path, ModelSchema schema)
    {
        int depth = path.Segments.Count;
        List<string> next = Candidates(path, schema, depth).Select(template => template[depth]).Distinct().ToList();
        string message = next.Contains(SiteMatcher.Layer)
            ? $"'{path.Site}' is not a site: a layer is missing, as in '{path.Site}.*'"
            : $"'{path.Site}' is not a site: a segment is missing; after it come {Spelling.List(next)}";
        return SiteProblem.At(SiteProblemKind.MissingSegment, path.Segments[depth - 1].Span, message);
    }

    private static SiteProblem UnknownSegment(SitePath path, ModelSchema schema)
    {
        IReadOnlyList<PathSegment> segments = path.Segments;
        int depth = Depth(path, schema);
        PathSpan last = segments[segments.Count - 1].Span;
        if (Nearest(path, schema, depth) is { } template)
        {
            // One wrong segment is marked alone; where their number differs, everything from the first wrong one on.
            PathSpan first = segments[Math.Min(SiteMatcher.Prefix(segments, template), segments.Count - 1)].Span;
            PathSpan wrong = template.Length == segments.Count ? first : new PathSpan(first.Start, last.Start + last.Length - first.Start);
            string meant = SiteMatcher.Fill(template, path);
            return SiteProblem.At(
                SiteProblemKind.UnknownSite, wrong,
                $"{schema.Model} has no site '{path.Site}'; did you mean '{meant}'?", meant + path.SelectorText);
        }
        List<string> next = Candidates(path, schema, depth).Select(candidate => candidate[depth]).Distinct().ToList();
        string before = depth == 0 ? "" : path.Text.Substring(0, segments[depth - 1].Span.Start + segments[depth - 1].Span.Length);
        string known =
            next.Count == 0 ? $"nothing follows '{before}'" :
            depth == 0 ? $"its sites start with {Spelling.List(next)}" :
            $"after '{before}' come {Spelling.List(next)}";
        return SiteProblem.At(SiteProblemKind.UnknownSite, segments[depth].Span, $"{schema.Model} has no site '{path.Site}': {known}");
    }

    /// <summary>
    /// The nearest site: segment by segment after the right ones, else letter by letter (<c>mlp.out</c> for <c>mlp_out</c>).
    /// </summary>
    private static string[]? Nearest(SitePath path, ModelSchema schema, int depth)
    {
        IReadOnlyList<PathSegment> segments = path.Segments;
        int indices = segments.Count(segment => segment.Indices is not null);
        return Candidates(path, schema, depth)
            .Where(template => template.Length == segments.Count && IsNear(segments.Skip(depth), template.Skip(depth)))
            .OrderBy(template => Distance(segments.Skip(depth), template.Skip(depth))).FirstOrDefault()
            ?? schema.Sites.Select(SiteMatcher.Split)
            .Where(template => template.Count(segment => segment == SiteMatcher.Layer) == indices && Letters(template) <= 2)
            .OrderBy(Letters).FirstOrDefault();

        int Letters(string[] template) => Spelling.Distance(path.Site, SiteMatcher.Fill(template, path));
    }

    private static int Depth(SitePath path, ModelSchema schema) =>
        schema.Sites.Count == 0 ? 0 : schema.Sites.Max(site => SiteMatcher.Prefix(path.Segments, SiteMatcher.Split(site)));

    private static List<string[]> Candidates(SitePath path, ModelSchema schema, int depth) =>
        schema.Sites.Select(SiteMatcher.Split)
            .Where(template => template.Length > depth && SiteMatcher.Prefix(path.Segments, template) == depth).ToList();

    private static bool IsPartOf(IReadOnlyList<PathSegment> segments, string[] template)
    {
        int found = 0;
        foreach (string segment in template)
            if (found < segments.Count && SiteMatcher.Fits(segments[found], segment))
                found++;
        return found == segments.Count && template.Length > found && SiteMatcher.Fits(segments[found - 1], template[template.Length - 1]);
    }

    private static bool IsNear(IEnumerable<PathSegment> segments, IEnumerable<string> template) =>
        segments.Zip(template, (segment, name) =>
            SiteMatcher.Fits(segment, name) ||
            (segment.Name is { } written && name != SiteMatcher.Layer && Spelling.Distance(written, name) <= Spelling.Tolerance(written)))
            .All(near => near);

    private static int Distance(IEnumerable<PathSegment> segments, IEnumerable<string> template) =>
        segments.Zip(template, (segment, name) => segment.Name is { } written ? Spelling.Distance(written, name) : 0).Sum();
}
