using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using Interventions.Runtime;

namespace Interventions.Sites;

/// <summary>
/// Points that several placeholders go through together: <c>[Sweep("layer, head", "23.3", "20.0")]</c>. Analyzers and runs read and check
/// them here, so both say the same.
/// </summary>
internal static class ListedPoints
{
    /// <summary>The placeholders of a list: <c>layer</c> and <c>head</c> of <c>layer, head</c>.</summary>
    public static IReadOnlyList<string> Placeholders(string names) => names.Split(',').Select(name => name.Trim()).ToArray();

    /// <summary>
    /// The coordinates of a point as texts. Dots part them, or commas where a coordinate has a dot: <c>23.3</c>, <c>23, 0.5</c>.
    /// </summary>
    public static IReadOnlyList<string> Coordinates(string point) =>
        point.Split(point.IndexOf(',') < 0 ? '.' : ',').Select(coordinate => coordinate.Trim()).ToArray();

    /// <summary>A point as text, which <see cref="Coordinates"/> reads.</summary>
    public static string Text(IReadOnlyList<string> coordinates) =>
        string.Join(coordinates.Any(coordinate => coordinate.IndexOf('.') >= 0) ? ", " : ".", coordinates);

    /// <summary>The points of the examples in messages.</summary>
    public const string Example = "\"23.3\", \"20.0\"";

    /// <summary>The list of a property that some placeholders can go through, for messages.</summary>
    public static string Needed(IReadOnlyList<string> placeholders) => placeholders.Count > 1
        ? $"a list of ({string.Join(", ", placeholders.Select(_ => "int"))}), of int, double or string each"
        : "a list of int, double or string";

    /// <summary>Why a text is no point of some placeholders; null where it is one.</summary>
    public static string? Problem(string point, IReadOnlyList<string> placeholders)
    {
        IReadOnlyList<string> coordinates = Coordinates(point);
        return coordinates.Count != placeholders.Count || coordinates.Any(coordinate => coordinate.Length == 0)
            ? $"'{point}' is no point of {string.Join(", ", placeholders)}: it has one coordinate for each, as in "
                + $"'{Text(placeholders.Select((_, i) => (i + 3).ToString(CultureInfo.InvariantCulture)).ToArray())}'"
            : null;
    }

    /// <summary>What a coordinate of a placeholder selects, or why it selects nothing.</summary>
    /// <param name="coordinate">An index, or a position as it is written in a path.</param>
    /// <param name="range">What the placeholder's uses in site paths allow.</param>
    /// <param name="schema">The model's names.</param>
    /// <param name="prompts">The prompt set's names; without them the names of positions are not checked.</param>
    public static (SelectionItem? Place, string? Problem) Place(
        string coordinate, PlaceholderRange range, ModelSchema schema, PromptVocabulary? prompts)
    {
        SelectionItem? place;
        if (SiteResolver.IsPositionAxis(range.Axis))
        {
            if (!VocabularyResolver.TryPosition(coordinate, prompts, out place, out SiteProblem? wrong))
                return (null, wrong.Message);
        }
        else
        {
            if (!int.TryParse(coordinate, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int index))
                return (null, $"'{coordinate}' is no number of a {range.Axis}");
            int? size = schema.SizeOf(range.Axis);
            if (size is { } count && (index >= count || index < -count))
                return (null, SiteResolver.OutOfRange(range.Axis, index, $"{{{range.Name}}}", schema.Model, count));
            int wrapped = SiteResolver.Wrap(index, size ?? 0);
            place = new SelectionItem(null, wrapped, wrapped);
        }
        return range.Items is { } items && !items.Any(item => item == place || MayHold(item, place))
            ? (null, $"{range.Axis} {coordinate} is not among those that '{{{range.Name}}}' goes through in a site path")
            : (place, null);
    }

    /// <summary>Whether an open range, whose length only the prompts know, may hold a place.</summary>
    private static bool MayHold(SelectionItem range, SelectionItem place) =>
        SiteExpansion.SpansTheLength(range) && SiteExpansion.MayLieIn(place, range);
}
