using Interventions.Generators.Infrastructure;
using Interventions.Generators.Specs;
using Interventions.Sites;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Declarations;

/// <summary>
/// A write to one valid path, as a step of the declaration that is checked. Writes of included interventions are among them.
/// </summary>
/// <param name="Write">The write.</param>
/// <param name="Declared">The path; a path patch writes its receivers.</param>
/// <param name="Run">The derived run that is written; null is the changed one.</param>
/// <param name="Step">The step.</param>
internal sealed record PlacedWrite(DeclaredWrite Write, DeclaredPath Declared, string? Run, DeclaredStep Step)
{
    /// <summary>The explicit order of the step.</summary>
    public int Order => Step.Order;

    /// <summary>The property that includes the write; null for an own write.</summary>
    public IPropertySymbol? Include => Step.Include?.Symbol;

    /// <summary>The path.</summary>
    public SitePath Path => Declared.Path!;

    /// <summary>The written path, or the property that includes the write.</summary>
    public Location Location => Include?.Locations[0] ?? Declared.Text.Location;

    /// <summary>All writes of a declaration to valid paths, in the graph's order.</summary>
    public static IEnumerable<PlacedWrite> All(InterventionDeclaration declaration)
    {
        foreach (DeclaredStep step in declaration.Steps)
        {
            if (step.Write is { } write)
                foreach (DeclaredPath path in Written(write))
                    yield return new PlacedWrite(write, path, write.Run, step);
            else
                foreach ((DeclaredWrite inner, DeclaredPath path) in Included(declaration, step.Include!, []))
                    yield return new PlacedWrite(inner, path, null, step);
        }
    }

    /// <summary>
    /// Whether the text says which of two writes comes first: one is inherited, both are own writes in one file, or both come from one
    /// include.
    /// </summary>
    public bool IsBeside(PlacedWrite other) =>
        !Step.Owner.IsSame(other.Step.Owner)
        || (Include.IsSame(other.Include) && (Include is not null || Write.File == other.Write.File));

    /// <summary>Whether the two may write a value in common.</summary>
    public bool Meets(PlacedWrite other, ModelSchema schema) => Run == other.Run && Selections.MayMeet(Path, other.Path, schema);

    /// <summary>The writes of an included intervention to the changed run. Its derived runs are its own.</summary>
    private static IEnumerable<(DeclaredWrite Write, DeclaredPath Path)> Included(
        InterventionDeclaration declaration, DeclaredProperty include, HashSet<ISymbol> seen)
    {
        if (declaration.Included(include) is not { } included || !seen.Add(included.Type))
            yield break;
        foreach (DeclaredStep step in included.Steps)
        {
            if (step.Include is not null)
                foreach ((DeclaredWrite, DeclaredPath) inner in Included(included, step.Include, seen))
                    yield return inner;
            else if (step.Write!.Run is null)
                foreach (DeclaredPath path in Written(step.Write))
                    yield return (step.Write, path);
        }
        seen.Remove(included.Type);
    }

    private static IEnumerable<DeclaredPath> Written(DeclaredWrite write) =>
        (write.Kind == WriteKind.PathPatch ? write.Receivers : write.Written).Where(path => path.Path is not null);
}

/// <summary>Compares the selections of two paths. Two selections that only the prompts could tell apart may meet.</summary>
internal static class Selections
{
    /// <summary>Whether two paths may select a value in common.</summary>
    public static bool MayMeet(SitePath left, SitePath right, ModelSchema schema)
    {
        SiteResolution first = ResolvedPath.Of(left, schema), second = ResolvedPath.Of(right, schema);
        if (!first.IsSuccess || !second.IsSuccess || first.Site!.Path != second.Site!.Path)
            return false;
        if (first.Layer is not null && second.Layer is not null && !MayMeet("layer", first.Layer, second.Layer, schema))
            return false;
        foreach (AxisSelection axis in first.Axes)
            foreach (AxisSelection other in second.Axes)
                if (axis.Axis == other.Axis && !MayMeet(axis.Axis, axis.Selection, other.Selection, schema))
                    return false;
        return true;
    }

    private static bool MayMeet(string axis, Selection left, Selection right, ModelSchema schema)
    {
        if (left.Items.Count == 0 || right.Items.Count == 0 || (left.IsSweep && left.Placeholder == right.Placeholder))
            return true;
        if (schema.SizeOf(axis) is { } size)
            return SiteExpansion.Indices(left, size).Intersect(SiteExpansion.Indices(right, size)).Any();
        if (left.Except || right.Except)
            return left.Except == right.Except || !(left.Except ? right : left).Items.All((left.Except ? left : right).Items.Contains);
        return left.Items.Any(item => right.Items.Any(other => MayMeet(item, other)));
    }

    /// <summary>Two names are two places. A name and a number, or numbers that count from both ends, may be one place.</summary>
    private static bool MayMeet(SelectionItem left, SelectionItem right)
    {
        if (left.Name is Sites.NewTokens.Named || right.Name is Sites.NewTokens.Named)
            return true;
        if (left.Name is not null && right.Name is not null)
            return left.Name == right.Name ? left.First == right.First : left.First != 0 || right.First != 0;
        if (left.Name is not null || right.Name is not null || left.First < 0 != right.First < 0
            || left.First < 0 != left.Last < 0 || right.First < 0 != right.Last < 0)
            return true;
        return left.First <= right.Last && right.First <= left.Last;
    }
}

/// <summary>
/// Groups the writes that happen together: those to one site path in one run, unless a write that may touch the same site stands between
/// them. The group stands at the place of its first write.
/// </summary>
/// <param name="Method">The name of the generated method that fuses the writes; null for a single write.</param>
/// <param name="Steps">The writes, in the order of the text; or one include.</param>
internal sealed record FusedWrites(string? Method, IReadOnlyList<DeclaredStep> Steps)
{
    /// <summary>The groups, in the order of the text.</summary>
    /// <param name="steps">The steps of a declaration.</param>
    /// <param name="names">The names that the class has already.</param>
    public static IEnumerable<FusedWrites> Of(IEnumerable<DeclaredStep> steps, IEnumerable<string> names)
    {
        var groups = new List<List<DeclaredStep>>();
        foreach (DeclaredStep step in steps)
        {
            if (Joins(groups, step) is { } earlier)
                earlier.Add(step);
            else
                groups.Add([step]);
        }
        var taken = new HashSet<string>(names, StringComparer.Ordinal);
        return groups.Select(group => new FusedWrites(group.Count == 1 ? null : Name(group[0].Write!, taken), group)).ToList();
    }

    /// <summary>The group that a write can join without passing a write that may touch the same values; null when there is none.</summary>
    private static List<DeclaredStep>? Joins(List<List<DeclaredStep>> groups, DeclaredStep step)
    {
        if (!HasOnePlace(step))
            return null;
        DeclaredWrite write = step.Write!;
        for (int i = groups.Count - 1; i >= 0; i--)
        {
            if (!HasOnePlace(groups[i][0]))
                return null;
            // The axes of the result stand in the order of the text: a write that brings one stays where it is.
            if (i < groups.Count - 1 && write.OuterPlaceholders.Any())
                return null;
            DeclaredWrite other = groups[i][0].Write!;
            if (write.Run != other.Run)
                continue;
            if (write.Site.Value == other.Site.Value)
                return groups[i];
            if (write.Site.Path is { } path && other.Site.Path is { } before && MayMeet(path, before))
                return null;
        }
        return null;
    }

    /// <summary>
    /// A path patch writes several places; a splice and an include are calls of their own. No write moves past one of these.
    /// </summary>
    private static bool HasOnePlace(DeclaredStep step) => step.Write is { Kind: not (WriteKind.PathPatch or WriteKind.Splice) };

    /// <summary>Whether two paths may name one site, as far as the text says; selectors in brackets are not looked at.</summary>
    private static bool MayMeet(SitePath left, SitePath right)
    {
        if (left.Segments.Count != right.Segments.Count)
            return false;
        for (int i = 0; i < left.Segments.Count; i++)
            if (left.Segments[i].Name != right.Segments[i].Name || AreDifferentLayers(left.Segments[i].Indices, right.Segments[i].Indices))
                return false;
        return true;
    }

    private static bool AreDifferentLayers(PathIndices? left, PathIndices? right) =>
        Layer(left) is { } first && Layer(right) is { } second && first != second;

    /// <summary>The one layer that indices name without the model's help; null where they name none or several.</summary>
    private static int? Layer(PathIndices? indices) =>
        indices?.Selection is { IsSweep: false, Except: false, Items: { Count: 1 } items }
            && items[0] is { Name: null, First: >= 0 and var layer } && items[0].Last == layer
            ? layer
            : null;

    private static string Name(DeclaredWrite write, HashSet<string> taken)
    {
        string name = "Write" + Literals.Pascal(write.Site.Value), distinct = name;
        for (int i = 2; !taken.Add(distinct); i++)
            distinct = name + Literals.Number(i);
        return distinct;
    }
}
