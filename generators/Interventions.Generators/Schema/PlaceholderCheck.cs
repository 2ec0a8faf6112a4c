using Interventions.Generators.Diagnostics;
using Interventions.Generators.Parsing;
using Interventions.Sites;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Schema;

/// <summary>The rules of placeholders: a write sweeps each of them, over one axis, through at least one index.</summary>
internal static class PlaceholderCheck
{
    public static IEnumerable<Problem> Problems(InterventionDeclaration declaration, CancellationToken cancellation)
    {
        ModelSchema? schema = DeclaredSplices.Schema(declaration, cancellation);
        var swept = new HashSet<string>(SweptPlaceholders.Of(declaration, cancellation).Select(placeholder => placeholder.Name));
        var axes = new Dictionary<string, string>();
        var before = new List<SiteResolution>();
        foreach (Swept path in Paths(declaration, cancellation))
        {
            foreach ((PlaceholderUse use, string axis) in Uses(path.Path))
            {
                if (!swept.Contains(use.Name))
                    yield return new Problem(Rules.UnsweptPlaceholder, path.At(use), use.Name, "; write '*' for all");
                else if (!axes.TryGetValue(use.Name, out string? known))
                    axes.Add(use.Name, axis);
                else if (known != axis)
                    yield return new Problem(Rules.PlaceholderAxes, path.At(use), use.Name, known, axis);
            }
            if (schema is null || ResolvedPath.Of(path.Path, schema) is not { IsSuccess: true } resolution)
                continue;
            HashSet<string> empty = Empty(before, schema);
            before.Add(resolution);
            foreach (string name in Empty(before, schema).Except(empty))
                foreach (PlaceholderUse use in path.Path.Placeholders.Where(use => use.Name == name).Take(1))
                    yield return new Problem(Rules.EmptyPlaceholder, path.At(use), name);
        }
        foreach (DeclaredSweepUse use in DeclaredSweepUse.Of(declaration, cancellation))
        {
            string axis = use.IsRun ? "run" : "strength";
            if (!swept.Contains(use.Name))
                yield return new Problem(Rules.UnsweptPlaceholder, use.Location, use.Name, "");
            else if (axes.TryGetValue(use.Name, out string? known) && known != axis)
                yield return new Problem(Rules.PlaceholderAxes, use.Location, use.Name, known, axis);
            else
                axes[use.Name] = axis;
        }
    }

    private static HashSet<string> Empty(List<SiteResolution> uses, ModelSchema schema) =>
        new(SiteExpansion.Placeholders(uses, schema).Where(range => range.Items is { Count: 0 }).Select(range => range.Name));

    /// <summary>The paths with placeholders: those that included interventions write, then the declaration's own.</summary>
    private static IEnumerable<Swept> Paths(InterventionDeclaration declaration, CancellationToken cancellation)
    {
        if (declaration.Includes.Any())
            foreach (PlacedWrite write in PlacedWrite.Of(declaration, cancellation))
                if (write.Source is IPropertySymbol && write.Path.Placeholders.Any())
                    yield return new Swept(write.Path, _ => write.Location);
        foreach (DeclaredPath path in DeclaredPath.Of(declaration, cancellation))
            if (path.Path is { } own && own.Placeholders.Any())
                yield return new Swept(own, use => path.Location.At(use.Span.Start, use.Span.Length));
    }

    /// <summary>A path with placeholders, and where to report one of them.</summary>
    private sealed record Swept(SitePath Path, Func<PlaceholderUse, Location> At);

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
}
