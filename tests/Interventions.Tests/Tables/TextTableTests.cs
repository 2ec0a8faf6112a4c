using System.Globalization;
using FsCheck;
using FsCheck.Fluent;
using Interventions.Tables;

namespace Interventions.Tests.Tables;

/// <summary>Tables of at most 80 columns.</summary>
public sealed class TextTableTests
{
    [Fact]
    public void Columns_are_aligned_and_numbers_end_at_one_place() => Assert.Equal(
        """
        head       change
        0.3       -15.914
        a longer     +1.7

        """,
        new TextTable(new("head"), new("change", IsNumber: true)).Add("0.3", "-15.914").Add("a longer", "+1.7").Print());

    /// <summary>Columns that do not fit stand below, about equally many beside each other; rows that are too many are counted.</summary>
    [Fact]
    public void Columns_that_do_not_fit_are_further_blocks_and_rows_are_counted()
    {
        TextTable table = new([.. Enumerable.Range(0, 30).Select(i => new TextColumn($"{1000 + i}", IsNumber: true))]);
        for (int row = 0; row < 5; row++)
            table.Add([.. Enumerable.Range(0, 30).Select(i => $"{i + (100 * row)}")]);
        string[] lines = table.Print(mostRows: 2).Split('\n');
        Assert.Equal("1000  1001  1002  1003  1004  1005  1006  1007  1008  1009  1010", lines[0]);
        Assert.Equal("1000  1011  1012  1013  1014  1015  1016  1017  1018  1019  1020", lines[4]);
        Assert.Equal(" 100   121   122   123   124   125   126   127   128   129", lines[10]);
        Assert.Equal(["", lines[5], "", "… and 3 rows", ""], [lines[3], lines[5], lines[7], .. lines[11..]]);
        Assert.Equal(13, lines.Length);
    }

    [Fact]
    public void A_long_text_is_cut_before_a_number_is()
    {
        string line = new TextTable(new("text"), new("number", IsNumber: true)).Add(new string('x', 200), "1234567").Print().Split('\n')[1];
        Assert.Equal(new string('x', 70) + "…  1234567", line);
    }

    [Fact]
    public void Headers_of_several_lines_stand_beside_each_other() => Assert.Equal(
        "        rows\nlayer  naive  shared\n0          1       2\n",
        new TextTable(new("layer"), new("rows\nnaive", IsNumber: true), new("shared", IsNumber: true)).Add("0", "1", "2").Print());

    [Fact]
    public void No_table_is_wider_than_80_columns_and_no_cell_breaks_a_line() => Prop.ForAll(Tables, table =>
    {
        TextTable text = new([.. table.Headers.Select((header, i) => new TextColumn(header, i % 2 == 0))]);
        foreach (string[] row in table.Rows)
            text.Add(row);
        string[] lines = text.Print(mostRows: 3).TrimEnd('\n').Split('\n');
        Assert.All(lines, line => Assert.True(line.Length <= 80, line));
        Assert.All(lines, line => Assert.Equal(line.TrimEnd(' '), line));
        // Whatever a column begins with is there.
        Assert.All(table.Rows.Take(3).SelectMany(row => row).Select(cell => cell.TrimStart()).Where(cell => cell.Length > 0), cell =>
            Assert.Contains(cell[..1].Replace("\t", "\\t").Replace("\n", "\\n"), string.Concat(lines), StringComparison.Ordinal));
        int blocks = lines.Count(line => line.Length == 0) + 1;
        Assert.InRange(lines.Length, 1, (blocks * 5) + 1);
    }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData(new double[] { 1, -0.5, 12.3456 }, false, "1.00 -0.50 12.35")]
    [InlineData(new double[] { 3, 0, 12345 }, false, "3 0 12345")]
    [InlineData(new double[] { 1.5, -0.00001 }, true, "+1.500 0.000")]
    [InlineData(new double[] { 1e9, 2.5 }, false, "1e+09 2.5e+00")]
    [InlineData(new double[] { double.NaN, double.NegativeInfinity, 0.25 }, false, "NaN -∞ 0.2500")]
    [InlineData(new double[] { }, false, "")]
    public void Numbers_of_a_column_have_equally_many_decimals(double[] numbers, bool isSigned, string expected) =>
        Assert.Equal(expected, string.Join(' ', ShortNumbers.Format(numbers, isSigned)));

    [Fact]
    public void Numbers_are_the_same_in_every_culture()
    {
        CultureInfo before = CultureInfo.CurrentCulture;
        CultureInfo comma = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        (comma.NumberFormat.NumberDecimalSeparator, comma.NumberFormat.NegativeSign) = (",", "~");
        try
        {
            CultureInfo.CurrentCulture = comma;
            Assert.Equal(["-1.50", "12.25"], ShortNumbers.Format([-1.5, 12.25]));
            Assert.Equal("-2 prompts", TextTable.Count(-2, "prompt"));
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Fact]
    public void Text_is_broken_at_spaces()
    {
        string words = string.Join(' ', Enumerable.Range(0, 40).Select(i => $"word{i}"));
        string[] lines = TextTable.Wrap("  " + words, indent: 4).Split('\n');
        Assert.All(lines[..^1], line => Assert.InRange(line.Length, 70, 80));
        Assert.All(lines[1..], line => Assert.StartsWith("    word", line));
        Assert.Equal(words, string.Join(' ', lines.Select(line => line.Trim())));
        Assert.Equal(new string('x', 100), TextTable.Wrap(new string('x', 100), indent: 2));
        // A number and its % stay together, wherever they stand.
        for (int before = 70; before < 85; before++)
            Assert.Contains("-4 %", TextTable.Wrap($"{new string('x', before)} -4 % b", indent: 2), StringComparison.Ordinal);
        Assert.EndsWith(" ", TextTable.Wrap(new string('x', 80) + " ", indent: 2), StringComparison.Ordinal);
    }

    private static Arbitrary<(string[] Headers, string[][] Rows)> Tables
    {
        get
        {
            Gen<string> cell = Gen.Choose(0, 60)
                .SelectMany(length => Gen.Elements('a', ' ', '\n', '9', '\t').ArrayOf(length)).Select(letters => new string(letters));
            Gen<(string[], string[][])> tables =
                from width in Gen.Choose(1, 20)
                from height in Gen.Choose(0, 5)
                from headers in Gen.Elements("layer", "head", "x").ArrayOf(width)
                from rows in cell.ArrayOf(width).ArrayOf(height)
                select (headers, rows);
            return tables.ToArbitrary();
        }
    }
}
