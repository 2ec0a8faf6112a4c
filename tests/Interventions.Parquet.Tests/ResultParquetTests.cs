using System.Globalization;
using Interventions.Results;
using Interventions.Testing.Support;
using Interventions.Testing.ToyModels;
using Interventions.Runtime;
using Parquet;
using Parquet.Serialization;
using static TorchSharp.torch;

namespace Interventions.Parquet.Tests;

/// <summary>Results as Parquet files: what a reader finds is what the long form says.</summary>
public sealed class ResultParquetTests : ToyTest
{
    private readonly TemporaryFolder _folder = new();

    public override void Dispose()
    {
        _folder.Dispose();
        base.Dispose();
    }

    [Fact]
    public async Task Every_row_comes_back_with_its_types()
    {
        using RunResult run = Swept(count: 3);
        string path = _folder["heads.parquet"];
        run.SaveParquet(path);
        LongFormat expected = LongFormat.Of(run, []);
        LongCell[][] rows = [.. expected.Rows];

        await using ParquetReader reader = await ParquetReader.CreateAsync(path);
        Assert.Equal(expected.Columns.Select(column => column.Name), reader.Schema.DataFields.Select(field => field.Name));
        Assert.Equal(
            expected.Columns.Select(column => column.Type switch
            {
                LongType.Text => typeof(ReadOnlyMemory<char>),
                LongType.Whole => typeof(long),
                _ => typeof(double),
            }),
            reader.Schema.DataFields.Select(field => field.ClrType));
        IList<Row> read = (await ParquetSerializer.DeserializeAsync<Row>(path)).Data;
        Assert.Equal(rows.Length, read.Count);
        Assert.Equal(rows.Select(Expected), read.Select(row => row.ToString()));
        Assert.Contains(read, row => row is { kept: "LogitDifference", run: "changed", change: not null, pos: null });
        Assert.Contains(read, row => row is { kept: "Residual", run: "clean", change: null, pos_token: not null, pos_name: "mid" });

        string Expected(LongCell[] cells) => Row.Text(typeof(Row).GetProperties().Select(property =>
            cells[expected.Columns.ToList().FindIndex(column => column.Name == property.Name)] is var cell
                ? cell.Text ?? cell.Number?.ToString("R", CultureInfo.InvariantCulture) : null));
    }

    [Fact]
    public async Task A_large_result_has_several_groups_of_rows()
    {
        using RunResult run = Swept(count: 700);
        string path = _folder["large.parquet"];
        run.SaveParquet(path, "Residual");
        await using ParquetReader reader = await ParquetReader.CreateAsync(path);
        Assert.InRange(reader.RowGroupCount, 2, 10);
        Assert.Equal(LongFormat.Of(run, ["Residual"]).Rows.Count(), reader.Metadata!.NumRows);
    }

    [Fact]
    public void A_wrong_name_leaves_no_file()
    {
        using RunResult run = Swept(count: 2);
        Assert.Throws<KeyNotFoundException>(() => run.SaveParquet(_folder["none.parquet"], "Residuals"));
        Assert.False(File.Exists(_folder["none.parquet"]));
    }

    [Fact]
    public void Promises() => Snapshot.Verify(PublicApi.Of(typeof(ResultParquet).Assembly));

    private RunResult Swept(int count) => Run(
        new()
        {
            Name = "Heads",
            Writes = [Patch("blocks.{layer}.z[head={head}; pos=end]")],
            Captures = [Capture("Residual", "blocks.1.resid[pos=mid,end]")],
            Metrics = [LogitDifference],
        },
        ToyPrompts.Random(4, [.. Enumerable.Range(0, count).Select(i => 3 + (i % 2))]));

    /// <summary>A row as a user of Parquet.Net declares it.</summary>
    private sealed class Row
    {
        public string? kept { get; set; }

        public string? run { get; set; }

        public long? layer { get; set; }

        public long? head { get; set; }

        public long? prompt { get; set; }

        public long? pos { get; set; }

        public string? pos_name { get; set; }

        public string? pos_token { get; set; }

        public long? d_model { get; set; }

        public double? value { get; set; }

        public double? change { get; set; }

        public static string Text(IEnumerable<string?> cells) => string.Join('|', cells);

        public override string ToString() => Text(typeof(Row).GetProperties()
            .Select(property => Convert.ToString(property.GetValue(this), CultureInfo.InvariantCulture)));
    }
}
