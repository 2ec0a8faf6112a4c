using System.Globalization;
using Interventions.Tables;

namespace Interventions.Tool;

/// <summary>Numbers and lists as the tool's tables show them.</summary>
internal static class ShortText
{
    private static readonly string[] s_units = ["B", "KiB", "MiB", "GiB", "TiB"];

    /// <summary>A number of bytes: <c>81.0 MiB</c>.</summary>
    public static string Bytes(double bytes)
    {
        int unit = 0;
        for (; bytes >= 1024 && unit < s_units.Length - 1; unit++)
            bytes /= 1024;
        return $"{bytes.ToString(unit == 0 || bytes >= 100 ? "0" : "0.0", CultureInfo.InvariantCulture)} {s_units[unit]}";
    }

    /// <summary>A whole number with separators: <c>124,439,808</c>.</summary>
    public static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>A shape: <c>[768, 2304]</c>.</summary>
    public static string Shape(IEnumerable<long> shape) => $"[{string.Join(", ", shape)}]";

    /// <summary>A paragraph of at most 80 columns.</summary>
    public static string Line(string text) => TextTable.Wrap(text, indent: 2) + "\n";
}

/// <summary>Things whose names differ in numbers alone, as one: <c>h.[0..11].ln_1.weight</c>.</summary>
internal static class Folding
{
    /// <summary>Folds neighbours and others; the result is in the order of first appearance.</summary>
    /// <typeparam name="T">What is folded.</typeparam>
    /// <param name="items">The things.</param>
    /// <param name="name">A thing's dotted name.</param>
    /// <param name="alike">What must be equal besides.</param>
    public static IReadOnlyList<Folded<T>> Fold<T>(IEnumerable<T> items, Func<T, string> name, Func<T, object> alike)
    {
        List<(string[] Segments, Folded<T> Folded)> lines = [.. items.Select(item => (name(item).Split('.'), new Folded<T>("", item, 1)))];
        int longest = lines.Select(line => line.Segments.Length).DefaultIfEmpty(0).Max();
        for (int at = longest - 1; at >= 0; at--)
            lines = [.. lines.GroupBy(line => Key(line.Segments, at, alike(line.Folded.First))).SelectMany(group => Merge([.. group], at))];
        return [.. lines.Select(line => line.Folded with { Name = string.Join('.', line.Segments) })];
    }

    private static (string, object) Key(string[] segments, int at, object alike) => at < segments.Length && IsNumber(segments[at])
        ? (string.Join('.', segments.Select((segment, i) => i == at ? "#" : segment)), alike)
        : (string.Join('.', segments), alike);

    private static IEnumerable<(string[], Folded<T>)> Merge<T>(List<(string[] Segments, Folded<T> Folded)> group, int at)
    {
        if (group.Count == 1 || at >= group[0].Segments.Length || !IsNumber(group[0].Segments[at]))
            return group;
        int[] numbers = [.. group.Select(line => int.Parse(line.Segments[at], CultureInfo.InvariantCulture)).Distinct().Order()];
        bool isRange = numbers[^1] - numbers[0] == numbers.Length - 1;
        string[] segments = [.. group[0].Segments];
        segments[at] = isRange ? $"[{numbers[0]}..{numbers[^1]}]" : $"[{string.Join(',', numbers)}]";
        return [(segments, group[0].Folded with { Count = group.Sum(line => line.Folded.Count) })];
    }

    private static bool IsNumber(string segment) => segment.Length is > 0 and < 9 && segment.All(char.IsAsciiDigit);
}

/// <summary>Some things as one.</summary>
/// <typeparam name="T">What is folded.</typeparam>
/// <param name="Name">The name, with the numbers of all in brackets.</param>
/// <param name="First">The first of them.</param>
/// <param name="Count">How many they are.</param>
internal sealed record Folded<T>(string Name, T First, int Count);
