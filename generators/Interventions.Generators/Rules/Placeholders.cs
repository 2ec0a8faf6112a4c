using Interventions.Generators.Declarations;
using Interventions.Runtime;
using Interventions.Sites;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Rules;

/// <summary>Checks placeholders: a write sweeps each of them, over one axis, through at least one index.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
internal sealed class Placeholders() : InterventionAnalyzer(UnsweptPlaceholder, PlaceholderAxes, EmptyPlaceholder)
{
    public static readonly DiagnosticDescriptor UnsweptPlaceholder = Rule.Composition(
        "INV202", "A placeholder that no write sweeps", "No write sweeps '{{{0}}}', so it has no value here{1}");

    public static readonly DiagnosticDescriptor PlaceholderAxes = Rule.Composition(
        "INV203", "One placeholder for two axes", "'{{{0}}}' counts {1}s elsewhere and {2}s here; a placeholder sweeps one axis");

    public static readonly DiagnosticDescriptor EmptyPlaceholder = Rule.Composition(
        "INV204", "A placeholder that ranges over nothing", "'{{{0}}}' ranges over nothing: its uses have no index in common");

    /// <summary>Checks the placeholders of a declaration.</summary>
    public static IEnumerable<Problem> Check(InterventionDeclaration declaration)
    {
        List<SweptPath> paths = Paths(declaration).ToList();
        return paths.Count == 0 && declaration.SweepUses.Count == 0 ? [] : Axes(declaration, paths).Concat(Empty(declaration, paths));
    }

    /// <summary>What each placeholder of a declaration goes through, as far as its paths are valid.</summary>
    public static IReadOnlyList<PlaceholderRange> Ranges(InterventionDeclaration declaration, ModelSchema schema) =>
        SiteExpansion.Placeholders(
            Paths(declaration).Select(path => ResolvedPath.Of(path.Path, schema)).Where(resolution => resolution.IsSuccess), schema);

    protected override IEnumerable<Problem> Problems(InterventionDeclaration declaration) => Check(declaration);

    private static IEnumerable<Problem> Axes(InterventionDeclaration declaration, List<SweptPath> paths)
    {
        var swept = new HashSet<string>(declaration.Placeholders.Select(placeholder => placeholder.Name));
        var axes = new Dictionary<string, string>();
        foreach (SweptPath path in paths)
            foreach ((PlaceholderUse use, string axis) in Uses(path.Path))
                if (Fault(use.Name, axis, Advice(path, use, axis)) is var (rule, arguments))
                    yield return new Problem(rule, path.At(use), arguments) { IsLack = rule == UnsweptPlaceholder };
        foreach (DeclaredSweepUse use in declaration.SweepUses)
            if (Fault(use.Name, use.IsRun ? "run" : "strength", "") is var (rule, arguments))
                yield return new Problem(rule, use.Text.Location, arguments) { IsLack = rule == UnsweptPlaceholder };

        (DiagnosticDescriptor Rule, object[] Arguments)? Fault(string name, string axis, string advice)
        {
            if (!swept.Contains(name))
                return (UnsweptPlaceholder, [name, advice]);
            if (axes.TryGetValue(name, out string? known) && known != axis)
                return (PlaceholderAxes, [name, known, axis]);
            axes[name] = axis;
            return null;
        }
    }

    /// <summary>What to write instead of a placeholder that has no value. A parameter gets one value, so it reads one layer.</summary>
    private static string Advice(SweptPath path, PlaceholderUse use, string axis) =>
        axis != "layer" ? "; without the selector everything is taken" :
        path.Reader is { } reader ? $"; [{reader}] reads one site: name its layer, or write '{{{use.Name}}}' in the path of a write" :
        "; write '*' for all";

    /// <summary>Reports the path with which the common range of a placeholder becomes empty.</summary>
    private static IEnumerable<Problem> Empty(InterventionDeclaration declaration, List<SweptPath> paths)
    {
        if (declaration.Schema is not { } schema)
            yield break;
        List<(SweptPath Path, SiteResolution Resolution)> valid = paths
            .Select(path => (path, ResolvedPath.Of(path.Path, schema, declaration.Vocabulary)))
            .Where(path => path.Item2.IsSuccess).ToList();
        // Ranges only shrink: as long as none is empty at the end, none was empty before.
        HashSet<string> empty = EmptyAfter(valid.Count);
        if (empty.Count == 0)
            yield break;
        for (int i = 0; i < valid.Count && empty.Count > 0; i++)
            foreach (string name in EmptyAfter(i + 1).Where(empty.Remove))
                foreach (PlaceholderUse use in valid[i].Path.Path.Placeholders.Where(use => use.Name == name).Take(1))
                    yield return new Problem(EmptyPlaceholder, valid[i].Path.At(use), name);

        HashSet<string> EmptyAfter(int count) => new(SiteExpansion.Placeholders(valid.Take(count).Select(path => path.Resolution), schema)
            .Where(range => range.Items is { Count: 0 }).Select(range => range.Name));
    }

    /// <summary>The paths with placeholders: those that included interventions write, then the declaration's own.</summary>
    private static IEnumerable<SweptPath> Paths(InterventionDeclaration declaration)
    {
        if (declaration.Includes.Count > 0)
            foreach (PlacedWrite write in declaration.PlacedWrites)
                if (write.Include is not null && write.Path.Placeholders.Any())
                    yield return new SweptPath(write.Path, null, _ => write.Location);
        foreach (DeclaredPath path in declaration.Paths)
            if (path.Path is { } own && own.Placeholders.Any())
                yield return new SweptPath(own, path.Reader, use => path.At(use.Span));
    }

    /// <summary>Every placeholder with its axis. Positions, queries and keys all count tokens.</summary>
    private static IEnumerable<(PlaceholderUse Use, string Axis)> Uses(SitePath path)
    {
        foreach (PathSegment segment in path.Segments)
            if (segment.Indices is { Selection.Placeholder: { } name, Span: var span })
                yield return (new PlaceholderUse(name, span), "layer");
        foreach (PathSelector selector in path.Selectors)
            if (selector.Indices is { Selection.Placeholder: { } name, Span: var span })
                yield return (new PlaceholderUse(name, span), SiteResolver.IsPositionAxis(selector.Axis) ? "position" : selector.Axis);
    }

    /// <summary>A path with placeholders.</summary>
    /// <param name="Path">The path.</param>
    /// <param name="Reader">The attribute of the parameter that reads it; null where no parameter does.</param>
    /// <param name="At">Where one of its placeholders is reported.</param>
    private sealed record SweptPath(SitePath Path, string? Reader, Func<PlaceholderUse, Location> At);
}
