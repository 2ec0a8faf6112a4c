using System.Globalization;
using System.Text;

namespace Interventions.Tables;

/// <summary>A column of a table.</summary>
/// <param name="Header">What stands above it; several lines where it has line breaks.</param>
/// <param name="IsNumber">Whether its cells end at one place, as numbers do.</param>
internal readonly record struct TextColumn(string Header, bool IsNumber = false);

/// <summary>Rows in aligned columns, at most 80 wide: what results, prompts and plans print. What does not fit is cut, and said.</summary>
/// <param name="columns">The columns. The last ones are left out where all together are too wide.</param>
internal sealed class TextTable(params IReadOnlyList<TextColumn> columns)
{
    /// <summary>How wide a line may be.</summary>
    public const int Width = 80;

    private const int Gap = 2, Narrowest = 12;
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
        int shown = Fit(widths);
        StringBuilder text = new();
        foreach (string[] line in lines.Where(line => line.Any(cell => cell.Length > 0)))
        {
            int start = text.Length;
            for (int column = 0; column < shown; column++)
                text.Append(' ', column == 0 ? 0 : Gap).Append(Cell(line[column], widths[column], columns[column].IsNumber));
            if (shown < columns.Count)
                text.Append(' ', Gap).Append(Cut);
            int end = text.Length;
            while (end > start && text[end - 1] == ' ')
                end--;
            text.Length = end;
            text.Append('\n');
        }
        string[] cuts =
        [
            .. _rows.Count > mostRows ? [Count(_rows.Count - mostRows, "row")] : Array.Empty<string>(),
            .. shown < columns.Count ? [Count(columns.Count - shown, "column")] : Array.Empty<string>(),
        ];
        return cuts.Length == 0 ? text.ToString() : text.Append("… and ").AppendJoin(" and ", cuts).Append('\n').ToString();
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

    /// <summary>Narrows the widest columns of text until the line fits, and returns how many columns do.</summary>
    private int Fit(int[] widths)
    {
        int shown = widths.Length;
        while (Total(widths, shown) > Width)
        {
            int widest = Enumerable.Range(0, shown).Where(column => !columns[column].IsNumber).DefaultIfEmpty(-1)
                .MaxBy(column => column < 0 ? 0 : widths[column]);
            if (widest >= 0 && widths[widest] > Narrowest)
                widths[widest]--;
            else
                shown--;
        }
        return shown;
    }

    /// <summary>The headers' lines, the last ones beside each other.</summary>
    private IEnumerable<string[]> Headers()
    {
        string[][] headers = [.. columns.Select(column => column.Header.Split('\n'))];
        int height = headers.Max(header => header.Length);
        return Enumerable.Range(0, height).Select(line =>
            headers.Select(header => line - height + header.Length is >= 0 and int at ? header[at] : "").ToArray());
    }

    private int Total(int[] widths, int shown) =>
        widths.Take(shown).Sum() + (Gap * (shown - 1)) + (shown < columns.Count ? Gap + Cut.Length : 0);

    private static string Cell(string text, int width, bool isNumber) =>
        isNumber ? Shorten(text, width).PadLeft(width) : Shorten(text, width).PadRight(width);

    private static string OneLine(string text) =>
        text.Replace("\r", "\\r", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal)
            .Replace("\t", "\\t", StringComparison.Ordinal);
}
