using Interventions.Generators.Infrastructure;
using Interventions.Generators.Specs;
using Interventions.Sites;

namespace Interventions.Generators.Declarations;

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
        indices?.Selection is { IsSweep: false, Items: { Count: 1 } items } && items[0] is { Name: null, First: >= 0 and var layer }
            && items[0].Last == layer
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
