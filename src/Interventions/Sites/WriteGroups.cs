using System.Collections.Generic;

namespace Interventions.Sites;

/// <summary>A write, as far as its place decides which others it can be one with.</summary>
/// <param name="Site">The site path as it was written.</param>
/// <param name="Path">The path; <see langword="null"/> when the text breaks the grammar.</param>
/// <param name="Run">The derived run that is written; <see langword="null"/> is the changed one.</param>
/// <param name="BringsAxis">Whether a strength, a donor or a parameter is swept: a placeholder outside the path.</param>
internal sealed record WritePlace(string Site, SitePath? Path, string? Run, bool BringsAxis);

/// <summary>
/// Groups the writes that happen together: those to one site path in one run, unless a write that may touch the same site stands between
/// them. The group stands at the place of its first write. Generated code, calls and reflection group alike.
/// </summary>
internal static class WriteGroups
{
    /// <summary>The groups, as numbers of steps, in the order of the text.</summary>
    /// <param name="steps">
    /// The steps of a declaration; <see langword="null"/> is a step that no write moves past: a path patch, a splice, an include.
    /// </param>
    public static IReadOnlyList<IReadOnlyList<int>> Of(IReadOnlyList<WritePlace?> steps)
    {
        var groups = new List<List<int>>();
        for (int step = 0; step < steps.Count; step++)
        {
            if (Joins(groups, step, steps) is { } earlier)
                earlier.Add(step);
            else
                groups.Add([step]);
        }
        return groups;
    }

    /// <summary>The group that a write can join without passing a write that may touch the same values; null when there is none.</summary>
    private static List<int>? Joins(List<List<int>> groups, int step, IReadOnlyList<WritePlace?> steps)
    {
        if (steps[step] is not { } write)
            return null;
        for (int i = groups.Count - 1; i >= 0; i--)
        {
            if (steps[groups[i][0]] is not { } other)
                return null;
            // The axes of the result stand in the order of the text: a write that brings one stays where it is.
            if (i < groups.Count - 1 && write.BringsAxis)
                return null;
            if (write.Run != other.Run)
                continue;
            if (write.Site == other.Site)
                return groups[i];
            if (write.Path is { } path && other.Path is { } before && MayMeet(path, before))
                return null;
        }
        return null;
    }

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
}
