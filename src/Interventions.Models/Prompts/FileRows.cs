using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using CsvHelper;
using CsvHelper.Configuration;
using Interventions.Files;
using Interventions.Sites;

namespace Interventions.Models.Prompts;

/// <summary>A column of a file.</summary>
/// <param name="Name">Its name.</param>
/// <param name="IsJson">Whether its cells are JSON; else they are texts.</param>
internal readonly record struct FileColumn(string Name, bool IsJson);

/// <summary>
/// Tables of texts as CSV or as a JSON object a line. In memory a cell is a text either way, JSON cells as their JSON, so that both kinds
/// of file say the same.
/// </summary>
internal static class FileRows
{
    private static readonly UTF8Encoding s_utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private static readonly CsvConfiguration s_written = new(CultureInfo.InvariantCulture)
    {
        NewLine = "\n",
        ShouldQuote = field => field.Field is null or "" || field.Field.AsSpan().IndexOfAny(",\"\r\n") >= 0,
    };

    /// <summary>Reads the rows of a file, one after the other.</summary>
    /// <param name="path">A <c>.csv</c>, <c>.jsonl</c> or <c>.ndjson</c> file.</param>
    /// <param name="columns">The columns that it may have.</param>
    /// <exception cref="InvalidDataException">The file is malformed, or has another column.</exception>
    public static IEnumerable<FileRow> Read(string path, IEnumerable<FileColumn> columns)
    {
        bool isCsv = IsCsv(path);
        Dictionary<string, FileColumn> known = columns.DistinctBy(column => column.Name).ToDictionary(column => column.Name);
        return isCsv ? Csv(path, known) : JsonLines(path, known);
    }

    /// <summary>Writes a file: a cell a column in each row.</summary>
    public static void Write(string path, IReadOnlyList<FileColumn> columns, IEnumerable<string[]> rows)
    {
        bool isCsv = IsCsv(path);
        CompleteFile.Replace(path, stream =>
        {
            using StreamWriter writer = new(stream, s_utf8, leaveOpen: true) { NewLine = "\n" };
            if (isCsv)
                WriteCsv(writer, columns, rows);
            else
                foreach (string[] row in rows)
                    writer.WriteLine(JsonLine(columns, row));
        });
    }

    private static bool IsCsv(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return Path.GetExtension(path).ToLowerInvariant() switch
        {
            ".csv" => true,
            ".jsonl" or ".ndjson" => false,
            var other => throw new ArgumentException(
                $"'{path}' ends with '{other}': a file is .csv, or .jsonl with a JSON object a line.", nameof(path)),
        };
    }

    private static void WriteCsv(StreamWriter writer, IReadOnlyList<FileColumn> columns, IEnumerable<string[]> rows)
    {
        using CsvWriter csv = new(writer, s_written, leaveOpen: true);
        foreach (string[] row in rows.Prepend([.. columns.Select(column => column.Name)]))
        {
            foreach (string cell in row)
                csv.WriteField(cell);
            csv.NextRecord();
        }
    }

    private static string JsonLine(IReadOnlyList<FileColumn> columns, string[] row)
    {
        using MemoryStream line = new();
        using (Utf8JsonWriter json = new(line, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            for (int i = 0; i < row.Length; i++)
            {
                json.WritePropertyName(columns[i].Name);
                if (columns[i].IsJson)
                    json.WriteRawValue(row[i]);
                else
                    json.WriteStringValue(row[i]);
            }
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(line.GetBuffer(), 0, (int)line.Length);
    }

    private static IEnumerable<FileRow> Csv(string path, Dictionary<string, FileColumn> known)
    {
        string? bad = null;
        using StreamReader reader = new(path, s_utf8);
        CsvConfiguration configuration = new(CultureInfo.InvariantCulture) { BadDataFound = found => bad = found.Field };
        using CsvParser parser = new(reader, configuration);
        string[]? header = null;
        for (int line = 1; Next(); line = parser.RawRow + 1)
        {
            FileRow here = new(path, line, new Dictionary<string, string>());
            string[] cells = parser.Record ?? [];
            if (bad is not null)
                throw here.Wrong(
                    header?.ElementAtOrDefault(Array.FindIndex(cells, cell => bad.Contains(cell, StringComparison.Ordinal))),
                    "a quote is not closed, or stands in a cell that does not begin with one: write \"…\" around the cell, and \"\" for a "
                    + "quote in it");
            if (header is null)
            {
                header = cells;
                foreach (string column in header)
                    CheckColumn(here, column, known);
                if (header.Distinct().Count() < header.Length)
                    throw here.Wrong(null, "two columns have one name");
                continue;
            }
            if (cells.Length != header.Length)
                throw here.Wrong(
                    null, $"it has {cells.Length} cells, and line 1 names {header.Length} columns: quote a cell that holds a comma");
            yield return here with { Cells = header.Zip(cells).ToDictionary(cell => cell.First, cell => cell.Second) };
        }
        if (header is null)
            throw new InvalidDataException($"{path} is empty; its first line names the columns: {Spelling.List([.. known.Keys])}.");

        bool Next()
        {
            try
            {
                return parser.Read();
            }
            catch (Exception broken) when (broken is CsvHelperException or DecoderFallbackException)
            {
                throw new InvalidDataException($"{path}, line {parser.RawRow + 1}: it cannot be read as CSV in UTF-8.", broken);
            }
        }
    }

    private static IEnumerable<FileRow> JsonLines(string path, Dictionary<string, FileColumn> known)
    {
        using StreamReader reader = new(path, s_utf8);
        for (int number = 1; Next(number) is string line; number++)
        {
            FileRow here = new(path, number, new Dictionary<string, string>());
            if (!string.IsNullOrWhiteSpace(line))
                yield return here with { Cells = Cells(here, line, known) };
        }

        string? Next(int number)
        {
            try
            {
                return reader.ReadLine();
            }
            catch (DecoderFallbackException broken)
            {
                throw new InvalidDataException($"{path}, line {number} or later: it is not UTF-8.", broken);
            }
        }
    }

    private static Dictionary<string, string> Cells(FileRow here, string line, Dictionary<string, FileColumn> known)
    {
        JsonDocument document;
        try
        {
            document = FileText.ParseJson(Encoding.UTF8.GetBytes(line));
        }
        catch (JsonException broken)
        {
            throw here.Wrong(
                null,
                broken.InnerException is JsonException { BytePositionInLine: { } at }
                    ? $"it is not JSON at character {at}: a line is one object"
                    : $"it is not JSON: {broken.Message}",
                broken);
        }
        using (document)
        {
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                throw here.Wrong(null, "it is not a JSON object");
            Dictionary<string, string> cells = [];
            foreach (JsonProperty property in document.RootElement.EnumerateObject())
            {
                CheckColumn(here, property.Name, known);
                bool isText = !known[property.Name].IsJson;
                if (isText && property.Value.ValueKind != JsonValueKind.String)
                    throw here.Wrong(property.Name, "it is not a text in quotes");
                if (!cells.TryAdd(property.Name, isText ? property.Value.GetString()! : property.Value.GetRawText()))
                    throw here.Wrong(property.Name, "it stands there twice");
            }
            return cells;
        }
    }

    private static void CheckColumn(FileRow here, string name, Dictionary<string, FileColumn> known)
    {
        if (known.ContainsKey(name))
            return;
        string hint = Spelling.Nearest(name, known.Keys) is string near
            ? $"did you mean '{near}'?"
            : $"those that are read are {Spelling.List([.. known.Keys])}; take it out";
        throw here.Wrong(name, $"there is no such column; {hint}");
    }
}

/// <summary>A row of a file.</summary>
/// <param name="Path">The file.</param>
/// <param name="Line">The number of its first line, from 1.</param>
/// <param name="Cells">The cells, by column.</param>
internal sealed record FileRow(string Path, int Line, IReadOnlyDictionary<string, string> Cells)
{
    /// <summary>The file and the line, for messages.</summary>
    public string Where => FormattableString.Invariant($"{Path}, line {Line}");

    /// <summary>Whether it has a cell.</summary>
    public bool Has(string column) => Cells.ContainsKey(column);

    /// <summary>A cell.</summary>
    /// <exception cref="InvalidDataException">It is missing.</exception>
    public string Text(string column) => Cells.TryGetValue(column, out string? text) ? text : throw Wrong(column, "it is missing");

    /// <summary>A cell that holds JSON.</summary>
    /// <exception cref="InvalidDataException">It is missing, or no JSON.</exception>
    public JsonElement Json(string column)
    {
        try
        {
            using JsonDocument document = FileText.ParseJson(Encoding.UTF8.GetBytes(Text(column)));
            return document.RootElement.Clone();
        }
        catch (JsonException broken)
        {
            throw Wrong(column, "it is not JSON", broken);
        }
    }

    /// <summary>A refusal that names the place.</summary>
    /// <param name="column">The column; <see langword="null"/> is the whole row.</param>
    /// <param name="problem">The problem.</param>
    /// <param name="inner">What found it.</param>
    public InvalidDataException Wrong(string? column, string problem, Exception? inner = null) =>
        new($"{Where}{(column is null ? "" : $", column '{column}'")}: {problem}{(problem[^1] is '.' or '?' ? "" : ".")}", inner);
}
