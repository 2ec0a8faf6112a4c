using Interventions.Files;

namespace Interventions.Results;

/// <summary>Results as comma-separated values (RFC 4180), in UTF-8.</summary>
internal static class CsvFile
{
    private static readonly char[] s_quoted = [',', '"', '\r', '\n'];

    /// <summary>Writes a file: the names of the columns, then the rows.</summary>
    public static void Write(string path, LongFormat rows) =>
        Write(path, rows.Columns.Select(column => column.Name), rows.Rows.Select(row => row.Select(cell => cell.ToString())));

    /// <inheritdoc cref="Write(string, LongFormat)"/>
    public static void Write(string path, IEnumerable<string> columns, IEnumerable<IEnumerable<string>> rows) =>
        CompleteFile.Replace(path, stream =>
    {
        // StreamWriter's own encoding has no byte order mark, which some readers take for a part of the first column's name.
        using StreamWriter writer = new(stream, leaveOpen: true) { NewLine = "\n" };
        foreach (IEnumerable<string> row in rows.Prepend(columns))
            writer.WriteLine(string.Join(',', row.Select(Field)));
    });

    private static string Field(string text) =>
        text.IndexOfAny(s_quoted) < 0 ? text : $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
