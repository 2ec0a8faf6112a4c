using System.Globalization;
using Interventions.Sites;

namespace Interventions.Generators.Declarations;

/// <summary>The layers at which a declaration's placeholders stand together, as far as its text says.</summary>
internal sealed class SweptLayers(InterventionDeclaration declaration)
{
    /// <summary>
    /// The layers of two placeholders at every point of the sweep, or null where the text does not say them. A placeholder that is null
    /// stands for a path that is not swept, and its layer is null.
    /// </summary>
    public IEnumerable<(int? Left, int? Right)>? Pairs(string? left, string? right)
    {
        if (left is not null && right is not null
            && declaration.Lists.FirstOrDefault(list => list.Placeholders.Contains(left) && list.Placeholders.Contains(right)) is { } both)
        {
            List<int?>? lefts = Listed(both, left), rights = Listed(both, right);
            return lefts is null || rights is null ? null : lefts.Zip(rights, (one, other) => (one, other));
        }
        return Layers(left) is { } some && Layers(right) is { } others
            ? some.SelectMany(one => others.Select(other => (one, other)))
            : null;
    }

    private List<int?>? Layers(string? placeholder)
    {
        if (placeholder is null)
            return [null];
        if (declaration.Lists.FirstOrDefault(list => list.Placeholders.Contains(placeholder)) is { } list)
            return Listed(list, placeholder);
        return declaration.Ranges.FirstOrDefault(range => range.Name == placeholder)?.Items is { } items
            ? items.Select(item => (int?)item.First).ToList()
            : null;
    }

    /// <summary>A list's layers; null where only a property has them, or one is wrong, which breaks a rule of its own.</summary>
    private List<int?>? Listed(DeclaredSweep list, string placeholder)
    {
        int place = list.Placeholders.ToList().IndexOf(placeholder);
        int? size = declaration.Schema?.SizeOf("layer");
        var layers = new List<int?>();
        foreach ((_, _, IReadOnlyList<string> coordinates) in list.Points)
        {
            if (coordinates.Count != list.Placeholders.Count || size is not { } count
                || !int.TryParse(coordinates[place], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int layer))
                return null;
            layers.Add(SiteResolver.Wrap(layer, count));
        }
        return list.Property is null ? layers : null;
    }
}
