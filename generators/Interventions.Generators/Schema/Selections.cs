using Interventions.Sites;

namespace Interventions.Generators.Schema;

/// <summary>Whether two paths may select a value in common. What only the prompts can say is taken to be possible.</summary>
internal static class Selections
{
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
        return left.Items.Any(item => right.Items.Any(other => MayMeet(item, other)));
    }

    /// <summary>Two names are two places; a name and a number, or numbers from either end, may be one.</summary>
    private static bool MayMeet(SelectionItem left, SelectionItem right)
    {
        if (left.Name is not null && right.Name is not null)
            return left.Name == right.Name ? left.First == right.First : left.First != 0 || right.First != 0;
        if (left.Name is not null || right.Name is not null || left.First < 0 != right.First < 0 || left.First < 0 != left.Last < 0 || right.First < 0 != right.Last < 0)
            return true;
        return left.First <= right.Last && right.First <= left.Last;
    }
}
