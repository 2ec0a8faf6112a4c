using System.Globalization;
using System.Text;

namespace Interventions.Tables;

/// <summary>A column of a table.</summary>
/// <param name="Header">What stands above it; several lines where it has line breaks.</param>
/// <param name="IsNumber">Whether its cells end at one place, as numbers do.</param>
internal readonly record struct TextColumn(string Header, bool IsNumber = false);

/// <summary>
/// Rows in aligned columns, at most 80 wide: what results, prompts and plans print. Long texts are cut; columns that do not fit beside
/// each other stand below each other, each block with the first column.
/// </summary>
/// <param name="columns">The columns.</param>
internal sealed class TextTable(params IReadOnlyList<TextColumn> columns)
{
    /// <summary>How wide a line may be.</summary>
    public const int Width = 80;

    private const int Gap = 2, Narrowest = 12, Half = (Width - Gap) / 2;
    private const string Cut = "…";

    private readonly List<string[]> _rows = [];

    /// <summary>Adds a row: one cell a column.</summary>
    public TextTable Add(params string[] cells)
    {
        _rows.Add([.. cells.Select(OneLine)]);
        return this;
    }

    /// <summary>The table; every line ends with a line feed.</summary>
    /// <param name="mostRows">How many rows are printed; of the others, their number.</param>
    public string Print(int mostRows = int.MaxValue)
    {
        string[][] lines = [.. Headers(), .. _rows.Take(mostRows)];
        int[] widths = [.. columns.Select((_, column) => lines.Max(line => line[column].Length))];
        StringBuilder text = new();
        foreach (int[] block in Blocks(widths))
        {
            text.Append(text.Length == 0 ? "" : "\n");
            foreach (string[] line in lines.Where(line => block.Any(column => line[column].Length > 0)))
            {
                string[] cells = [.. block.Select(column => Cell(line[column], widths[column], columns[column].IsNumber))];
                text.Append(string.Join(new string(' ', Gap), cells).TrimEnd(' ')).Append('\n');
            }
        }
        return text.Append(Others(_rows.Count - mostRows, "row")).ToString();
    }

    /// <summary>The first characters of a text, where it is longer than a width.</summary>
    public static string Shorten(string text, int width) => text.Length <= width ? text : text[..(width - 1)] + Cut;

    /// <summary>A text in lines of at most 80 characters, broken at spaces; the later lines are indented.</summary>
    public static string Wrap(string text, int indent)
    {
        StringBuilder wrapped = new();
        for (int width = Width; text.Length > width; width = Width - indent)
        {
            int at = text.LastIndexOf(' ', width);
            // A number and its % stay together.
            if (at > 0 && at + 1 < text.Length && text[at + 1] == '%')
                at = text.LastIndexOf(' ', at - 1);
            // Spaces in front are the first line's own indentation.
            if (at <= text.Length - text.TrimStart().Length)
                break;
            wrapped.Append(text.AsSpan(0, at)).Append('\n').Append(' ', indent);
            text = text[(at + 1)..];
        }
        return wrapped.Append(text).ToString();
    }

    /// <summary>A text in quotes, so that spaces at its ends are seen; quotes, line breaks and tabs as escapes.</summary>
    public static string Quote(string text) => $"\"{OneLine(text).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";

    /// <summary>The first of many numbers, and how many more there are.</summary>
    public static string First(IReadOnlyCollection<int> numbers)
    {
        const int Listed = 5;
        return string.Join(", ", numbers.Take(Listed)) + (numbers.Count > Listed ? $" and {numbers.Count - Listed} more" : "");
    }

    /// <summary>A number of things: <c>1 prompt</c>, <c>2 prompts</c>.</summary>
    public static string Count(long number, string thing) =>
        string.Create(CultureInfo.InvariantCulture, $"{number} {thing}{(number == 1 ? "" : "s")}");

    /// <summary>The line behind what is shown that says how many more things there are; nothing where there are none.</summary>
    public static string Others(long number, string thing) => number > 0 ? $"… and {Count(number, thing)}\n" : "";

    /// <summary>
    /// The columns that stand beside each other: all of them, where the line fits once the widest texts are narrowed. Otherwise blocks of
    /// about equally many, each behind the first column.
    /// </summary>
    private int[][] Blocks(int[] widths)
    {
        int[] all = [.. Enumerable.Range(0, widths.Length)];
        if (Total(all, column => columns[column].IsNumber ? widths[column] : Math.Min(widths[column], Narrowest)) <= Width)
        {
            while (Total(all, column => widths[column]) > Width)
                widths[all.Where(column => !columns[column].IsNumber).MaxBy(column => widths[column])]--;
            return [all];
        }
        foreach (int column in all)
            widths[column] = Math.Min(widths[column], Half);
        int[][] blocks = [.. Filled(all.Length)];
        int[][] equal = [.. Filled((all.Length - 1 + blocks.Length - 1) / Math.Max(1, blocks.Length))];
        return equal.Length == blocks.Length ? equal : blocks;

        // Blocks that are as full as a line allows.
        IEnumerable<int[]> Filled(int most)
        {
            List<int> block = [0];
            foreach (int column in all.Skip(1))
            {
                if (block.Count > most || Total([.. block, column], one => widths[one]) > Width)
                {
                    yield return [.. block];
                    block = [0];
                }
                block.Add(column);
            }
            yield return [.. block];
        }
    }

    /// <summary>The headers' lines, the last ones beside each other.</summary>
    private IEnumerable<string[]> Headers()
    {
        string[][] headers = [.. columns.Select(column => column.Header.Split('\n'))];
        int height = headers.Max(header => header.Length);
        return Enumerable.Range(0, height).Select(line =>
            headers.Select(header => line - height + header.Length is >= 0 and int at ? header[at] : "").ToArray());
    }

    private static int Total(IReadOnlyCollection<int> block, Func<int, int> width) => block.Sum(width) + (Gap * (block.Count - 1));

    private static string Cell(string text, int width, bool isNumber) =>
        isNumber ? Shorten(text, width).PadLeft(width) : Shorten(text, width).PadRight(width);

    private static string OneLine(string text) =>
        text.Replace("\r", "\\r", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal)
            .Replace("\t", "\\t", StringComparison.Ordinal);
}
