using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Interventions.Tables;
using static TorchSharp.torch;

namespace Interventions.Results;

/// <summary>Kept values as tables: means over prompts and over every axis that the table does not name.</summary>
internal static class KeptTable
{
    private const int MostRows = 128, MostPoints = 12, MostColumns = 16, MostHeads = 64, MostCells = 1536;

    /// <summary>
    /// A sweep of two placeholders is a grid of both. One of a single placeholder is a line a point, or a grid with what else is short. Of
    /// more placeholders, and of more points than anybody reads, those that changed most are listed.
    /// </summary>
    public static string OfSweep(SweptTensor swept)
    {
        KeptContent content = swept.Content;
        int sweeps = content.Sweep.Length;
        if (sweeps == 0 && LookedAt(content) is [int rows, int columns])
            return Title(content, [rows, columns]) + Grid(content, rows, columns);
        int second = sweeps == 2 ? 1 : sweeps == 1 ? ShortAxis(content, from: 1) : -1;
        if (second > 0 && Cells(content, 0, second) <= MostCells)
            return Title(content, [0, second]) + Grid(content, 0, second);
        SweptPoints points = swept.Points();
        bool isCut = points.Count > (sweeps > 2 ? MostPoints : MostRows);
        return Title(content, [.. Enumerable.Range(0, sweeps)]) + (isCut
            ? TextTable.Wrap(
                $"The {MostPoints} of {points.Count} points with the largest change; Top(n) gives as many as you ask for, Values all:", 2)
                + $"\n{OfPoints([.. swept.Top(MostPoints)], content)}"
            : OfPoints([.. points], content));
    }

    /// <summary>A line a layer, or a grid with what else is short.</summary>
    public static string OfStack(KeptContent content)
    {
        int second = ShortAxis(content, from: 1);
        if (second > 0)
        {
            (int rows, int columns) = content.Axes[second].IsPositional ? (second, 0) : (0, second);
            return Title(content, [rows, columns])
                + (Cells(content, rows, columns) <= MostCells ? Grid(content, rows, columns) : Largest(content, second));
        }
        double[] means = content.Means(content.Values, 0);
        using Tensor magnitudes = content.Values.to(ScalarType.Float64).abs();
        string[] mean = ShortNumbers.Format(means), magnitude = ShortNumbers.Format(content.Means(magnitudes, 0));
        TextTable table = new(new("layer", true), new("mean", true), new("mean of |x|", true));
        for (int i = 0; i < means.Length; i++)
            table.Add(content.Axes[0].Label(i), mean[i], magnitude[i]);
        return Title(content, [0]) + table.Print(MostRows);
    }

    /// <summary>A line a point: coordinates, value and change.</summary>
    /// <param name="points">The points.</param>
    /// <param name="content">The value, for the tokens at positions; <see langword="null"/> for the positions alone.</param>
    public static string OfPoints(ImmutableArray<SweptPoint> points, KeptContent? content = null)
    {
        if (points.IsEmpty)
            return "no points\n";
        ImmutableArray<SweepAxis> axes = points[0].Point.Axes;
        TextTable table = new(
            [.. axes.Select(axis => new TextColumn(axis.Name, axis.HasNumbers)), new("value", true), new("change", true)]);
        string[] values = ShortNumbers.Format([.. points.Select(point => point.Value)]);
        string[] changes = ShortNumbers.Format([.. points.Select(point => point.Change)], isSigned: true);
        for (int i = 0; i < points.Length; i++)
            table.Add([.. points[i].Point.Coordinates.Select(Text), values[i], changes[i]]);
        return table.Print();

        string Text(SweepCoordinate coordinate, int axis) =>
            content is null ? coordinate.ToString() : Label(content, axis, coordinate.ToString());
    }

    /// <summary>A result: what it is of, every kept value with its mean in every run, what the writes did, and the warnings.</summary>
    public static string OfRun(RunResult result)
    {
        ResultLayout layout = result.Layout;
        StringBuilder text = new();
        Line($"{layout.Declaration}: {TextTable.Count(layout.Prompts.Length, "prompt")}; changes {layout.BaseRun}"
            + (layout.Sweep.IsEmpty ? "" : $"; sweeps {string.Join(", ", layout.Sweep.Select(Describe))}"));
        if (layout.WeightsNote is { } note)
            Line($"weights: {note}");
        if (!layout.Kept.IsEmpty || !layout.Parameters.IsEmpty)
            text.Append('\n').Append(Kept(result, [null, .. layout.KeptRuns]));
        if (!layout.Effects.IsEmpty)
            text.Append('\n').Append(OfEffects(layout.Effects));
        return text.Append(OfWarnings(result.Warnings)).ToString();

        void Line(string line) => text.Append(TextTable.Wrap(line, 2)).Append('\n');

        static string Describe(SweepAxis axis) => $"{axis.Name} ({axis.Coordinates.Length})";
    }

    /// <summary>The values that were kept in an unchanged run, with their means.</summary>
    public static string OfUnchanged(RunResult result, string run) =>
        $"{result.Layout.Declaration}, unchanged run {run}: {TextTable.Count(result.Prompts.Length, "prompt")}\n\n" + Kept(result, [run]);

    /// <summary>An empty line and the warnings, or nothing.</summary>
    public static string OfWarnings(ImmutableArray<string> warnings)
    {
        IEnumerable<string> lines = warnings.Take(MostPoints);
        if (warnings.Length > MostPoints)
            lines = lines.Append($"… and {TextTable.Count(warnings.Length - MostPoints, "warning")}");
        return warnings.IsEmpty ? "" : "\n" + string.Concat(lines.Select(line => TextTable.Wrap(line, 2) + "\n"));
    }

    /// <summary>A line a write. Where fewer values were compared than written, changes are of the former, and they have a column.</summary>
    public static string OfEffects(ImmutableArray<WriteEffect> effects)
    {
        bool areAllCompared = effects.All(effect => effect.Compared == effect.Written);
        TextTable table = new(
        [
            new("write"), new("site"), new("selected", true), new("written", true),
            .. areAllCompared ? (TextColumn[])[] : [new("compared", true)],
            new("changed", true), new("largest", true),
        ]);
        string[] largest = ShortNumbers.Format([.. effects.Select(effect => effect.Largest)]);
        foreach ((WriteEffect effect, string most) in effects.Zip(largest))
            table.Add(
            [
                effect.Write, effect.Run is null ? effect.Site : $"{effect.Site} in {effect.Run}",
                Number(effect.Selected), Number(effect.Written), .. areAllCompared ? (string[])[] : [Number(effect.Compared)],
                // Where nothing was compared nothing is known of changes.
                .. effect.Compared > 0 ? [Number(effect.Changed), most] : (string[])["–", "–"],
            ]);
        return table.Print(MostRows);

        static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>A value's name and its axes with their lengths.</summary>
    public static string Describe(KeptContent content) => Describe(content.Axes, content.Values.shape);

    private static string Describe(IEnumerable<ResultAxis> axes, long[] shape) =>
        $"[{string.Join(", ", axes.Zip(shape, (axis, size) => FormattableString.Invariant($"{axis.Name} {size}")))}]";

    /// <summary>A line a kept value with its axes, then one with its mean in each run. The run without a name is the changed one.</summary>
    private static string Kept(RunResult result, string?[] runs)
    {
        ResultLayout layout = result.Layout;
        TextTable axes = new(new("kept"), new("axes"));
        TextTable means = new([new("mean"), .. runs.Select(run => new TextColumn(run ?? "changed", IsNumber: true))]);
        foreach (KeptLayout kept in layout.Kept)
        {
            KeptContent[] contents = [.. runs.Select(run => result.Content(kept, run))];
            axes.Add(kept.Name, Describe(contents[0]));
            means.Add([kept.Name, .. ShortNumbers.Format([.. contents.Select(content => content.Means(content.Values)[0])])]);
        }
        foreach (string parameter in layout.Parameters)
        {
            Tensor gradient = result.Gradient(parameter);
            string[] none = [.. runs.Skip(1).Select(_ => "")];
            using Tensor mean = gradient.to(ScalarType.Float64).mean();
            axes.Add($"{parameter}.gradient", Shapes.Describe(gradient));
            means.Add([$"{parameter}.gradient", .. ShortNumbers.Format([mean.item<double>()]), .. none]);
        }
        return $"{axes.Print(MostRows)}\n{means.Print(MostRows)}";
    }

    private static string Title(KeptContent content, int[] shown)
    {
        string[] others = [.. content.Axes.Where((_, axis) => !shown.Contains(axis)).Select(axis => axis.Name)];
        string mean = others.Length == 0 ? "" : $": mean over {string.Join(", ", others)}";
        string unchanged = content.Baseline is not { } baseline || content.Sweep.IsEmpty
            ? ""
            : $"; unchanged {ShortNumbers.Format([Mean(baseline)])[0]}";
        return TextTable.Wrap($"{content.Name} {Describe(content)}{mean}{unchanged}", 2) + "\n";

        double Mean(Tensor baseline) => (content with
        {
            Values = baseline,
            Axes = baseline.shape.Length == content.Axes.Length ? content.Axes : content.Axes.RemoveRange(0, content.Sweep.Length),
        }).Means(baseline)[0];
    }

    private static string Grid(KeptContent content, int rows, int columns)
    {
        long[] shape = content.Values.shape;
        (int height, int width) = ((int)shape[rows], (int)shape[columns]);
        double[] means = content.Means(content.Values, rows, columns);
        string[] cells = ShortNumbers.Format(means, isSigned: content.Baseline is null && !content.Sweep.IsEmpty);
        TextTable table = new(
        [
            new($"{content.Axes[rows].Name} \\ {content.Axes[columns].Name}"),
            .. Enumerable.Range(0, width).Select(column => new TextColumn(Label(content, columns, column), IsNumber: true)),
        ]);
        // Means come in the order of the axes.
        for (int row = 0; row < height; row++)
            table.Add(
            [
                Label(content, rows, row),
                .. Enumerable.Range(0, width).Select(column => cells[rows < columns ? (row * width) + column : (column * height) + row]),
            ]);
        return table.Print();
    }

    private static long Cells(KeptContent content, int rows, int columns) => content.Values.shape[rows] * content.Values.shape[columns];

    /// <summary>A line an entry of a stack's grid, those with the largest means, where all of them are more than anybody reads.</summary>
    private static string Largest(KeptContent content, int second)
    {
        int width = (int)content.Values.shape[second];
        double[] means = content.Means(content.Values, 0, second);
        int[] largest = [.. Enumerable.Range(0, means.Length).OrderByDescending(cell => Math.Abs(means[cell])).Take(MostPoints)];
        string[] numbers = ShortNumbers.Format([.. largest.Select(cell => means[cell])]);
        TextTable table = new(new("layer", true), new(content.Axes[second].Name, true), new("mean", true));
        for (int i = 0; i < largest.Length; i++)
            table.Add(content.Axes[0].Label(largest[i] / width), Label(content, second, largest[i] % width), numbers[i]);
        return $"The {largest.Length} of {means.Length} means that are largest in absolute terms; Values has all:\n{table.Print()}";
    }

    private static string Label(KeptContent content, int axis, int index) => Label(content, axis, content.Axes[axis].Label(index));

    /// <summary>What stands somewhere along an axis; of one prompt, the token too.</summary>
    private static string Label(KeptContent content, int axis, string label) =>
        content.Axes[axis].IsPositional && content.Prompts is [{ } prompt] && prompt.TokenAt(label) is int token
            ? $"{label} {TextTable.Quote(prompt.Run.Tokens[token])}"
            : label;

    /// <summary>
    /// The two axes of a grid of a value that no sweep repeats, such as a pattern's heads and keys; one of them alone with that of a
    /// single prompt; none where there are more axes, or dimensions of a vector.
    /// </summary>
    private static int[] LookedAt(KeptContent content)
    {
        long[] shape = content.Values.shape;
        int batch = content.Axes.ToList().FindIndex(axis => axis.Kind == ResultAxisKind.Batch);
        int[] longer = [.. Enumerable.Range(0, shape.Length).Where(axis => shape[axis] > 1 && axis != batch)];
        if (longer is [int only] && batch >= 0 && shape[batch] == 1)
            longer = [only, batch];
        return longer is [int first, int second] && (content.Axes[first].IsPositional || content.Axes[second].IsPositional)
            && !longer.Any(axis => content.Axes[axis].Name.StartsWith("d_", StringComparison.Ordinal))
            && Cells(content, first, second) <= MostCells && shape[second] <= MostHeads
            ? longer
            : [];
    }

    /// <summary>
    /// The only axis behind the first that is longer than one and short enough for a grid, that of prompts left out; or −1.
    /// </summary>
    private static int ShortAxis(KeptContent content, int from)
    {
        long[] shape = content.Values.shape;
        int[] longer = [.. Enumerable.Range(from, shape.Length - from)
            .Where(axis => shape[axis] > 1 && content.Axes[axis].Kind != ResultAxisKind.Batch)];
        // Dimensions of a vector are not looked at one by one, as heads are.
        return longer is [int only] && (content.Axes[only].IsPositional || shape[only] <= MostColumns
            || (shape[only] <= MostHeads && !content.Axes[only].Name.StartsWith("d_", StringComparison.Ordinal))) ? only : -1;
    }
}
