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

/// <summary>The writes that happen together, see <see cref="WriteGroups"/>.</summary>
/// <param name="Method">The name of the generated method that fuses the writes; null for a single write.</param>
/// <param name="Steps">The writes, in the order of the text; or one include.</param>
internal sealed record FusedWrites(string? Method, IReadOnlyList<DeclaredStep> Steps)
{
    /// <summary>The groups, in the order of the text.</summary>
    /// <param name="steps">The steps of a declaration.</param>
    /// <param name="names">The names that the class has already.</param>
    public static IEnumerable<FusedWrites> Of(IEnumerable<DeclaredStep> steps, IEnumerable<string> names)
    {
        List<DeclaredStep> all = steps.ToList();
        var taken = new HashSet<string>(names, StringComparer.Ordinal);
        foreach (IReadOnlyList<int> group in WriteGroups.Of(all.ConvertAll(Place)))
            yield return new FusedWrites(
                group.Count == 1 ? null : Name(all[group[0]].Write!, taken), group.Select(step => all[step]).ToList());
    }

    /// <summary>
    /// A path patch writes several places; a splice and an include are calls of their own. No write moves past one of these.
    /// </summary>
    private static WritePlace? Place(DeclaredStep step) => step.Write is { Kind: not (WriteKind.PathPatch or WriteKind.Splice) } write
        ? new WritePlace(write.Site.Value, write.Site.Path, write.Run, write.OuterPlaceholders.Any())
        : null;

    private static string Name(DeclaredWrite write, HashSet<string> taken)
    {
        string name = "Write" + Literals.Pascal(write.Site.Value), distinct = name;
        for (int i = 2; !taken.Add(distinct); i++)
            distinct = name + Literals.Number(i);
        return distinct;
    }
}
