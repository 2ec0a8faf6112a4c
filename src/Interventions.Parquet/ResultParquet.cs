using Interventions.Files;
using Interventions.Results;
using Parquet;
using Parquet.Schema;

namespace Interventions;

/// <summary>Results as Parquet files.</summary>
public static class ResultParquet
{
    /// <summary>How many rows are a group: what a reader loads at once.</summary>
    private const int GroupSize = 1 << 16;

    /// <summary>
    /// Writes kept values in long form, a row a number: the columns of <see cref="RunResult.SaveCsv"/>, each a text, a whole number (int64)
    /// or a number (double); empty cells are null.
    /// </summary>
    /// <param name="result">The result.</param>
    /// <param name="path">The file. It appears under its name only when it is complete.</param>
    /// <param name="kept">The names of what is written. Default: everything, with the gradients of parameters.</param>
    /// <exception cref="KeyNotFoundException">Nothing is kept under a name.</exception>
    public static void SaveParquet(this RunResult result, string path, params string[] kept)
    {
        ArgumentNullException.ThrowIfNull(result);
        LongFormat rows = LongFormat.Of(result, kept);
        // On a thread of the pool, so that no context waits for itself.
        CompleteFile.Replace(path, stream => Task.Run(() => WriteAsync(rows, stream)).GetAwaiter().GetResult());
    }

    private static async Task WriteAsync(LongFormat rows, Stream stream)
    {
        DataField[] fields = [.. rows.Columns.Select(column => new DataField(column.Name, TypeOf(column.Type), isNullable: true))];
        await using ParquetWriter writer = await ParquetWriter.CreateAsync(new ParquetSchema(fields), stream).ConfigureAwait(false);
        foreach (LongCell[][] cells in rows.Rows.Chunk(GroupSize))
        {
            using ParquetRowGroupWriter group = writer.CreateRowGroup();
            for (int column = 0; column < fields.Length; column++)
                await WriteAsync(group, fields[column], rows.Columns[column].Type, [.. cells.Select(row => row[column])])
                    .ConfigureAwait(false);
        }
    }

    private static Task WriteAsync(ParquetRowGroupWriter group, DataField field, LongType type, LongCell[] cells) => type switch
    {
        LongType.Text => group.WriteAsync(field, (string[])[.. cells.Select(cell => cell.Text!)]),
        LongType.Whole => group.WriteAsync<long>(field, cells.Select(cell => (long?)cell.Number).ToArray().AsMemory()),
        _ => group.WriteAsync<double>(field, cells.Select(cell => cell.Number).ToArray().AsMemory()),
    };

    private static Type TypeOf(LongType type) => type switch
    {
        LongType.Text => typeof(string),
        LongType.Whole => typeof(long),
        _ => typeof(double),
    };
}
