using System.Collections.Immutable;
using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Results;

/// <summary>
/// A result in long ("tidy") form: a row a number, a column an axis. Kept values have different axes, so a cell is empty where its value
/// has no such axis.
/// </summary>
internal sealed class LongFormat
{
    /// <summary>What no axis is called: they are columns of every row.</summary>
    private const string Kept = "kept", Run = "run", Prompt = "prompt", Value = "value", Change = "change";

    private readonly ImmutableArray<Part> _parts;
    private readonly Dictionary<string, int> _places;

    private LongFormat(ImmutableArray<Part> parts)
    {
        _parts = parts;
        IEnumerable<LongColumn> axes = parts.SelectMany(part => part.Columns);
        // Columns of one name may be of indices in one value and of names in another.
        Columns =
        [
            new(Kept, LongType.Text), new(Run, LongType.Text),
            .. axes.GroupBy(column => column.Name).Select(same =>
                new LongColumn(same.Key, same.All(column => column.Type == same.First().Type) ? same.First().Type : LongType.Text)),
            new(Value, LongType.Number), new(Change, LongType.Number),
        ];
        _places = Columns.Select((column, place) => (column.Name, place)).ToDictionary();
    }

    /// <summary>The columns.</summary>
    public ImmutableArray<LongColumn> Columns { get; }

    /// <summary>The rows: a cell a column. The array is the caller's.</summary>
    public IEnumerable<LongCell[]> Rows => _parts.SelectMany(RowsOf);

    /// <summary>A result's kept values.</summary>
    /// <param name="result">The result.</param>
    /// <param name="names">Which of them; none for all, with the gradients of parameters.</param>
    /// <exception cref="KeyNotFoundException">Nothing is kept under a name.</exception>
    public static LongFormat Of(RunResult result, IReadOnlyCollection<string> names)
    {
        ResultLayout layout = result.Layout;
        IEnumerable<KeptLayout> kept = names.Count == 0 ? layout.Kept : names.Select(result.Find);
        IEnumerable<Part> values = kept.SelectMany(one => layout.KeptRuns.Select(run => (string?)run).Prepend(null)
            .Select(run => new Part(result.Content(one, run), run, layout.Prompts)));
        IEnumerable<Part> gradients = (names.Count == 0 ? layout.Parameters : []).Select(parameter => Part.OfGradient(result, parameter));
        return new LongFormat([.. values, .. gradients]);
    }

    private IEnumerable<LongCell[]> RowsOf(Part part)
    {
        (int value, int change) = (_places[Value], _places[Change]);
        foreach (PartRow row in part.Rows())
        {
            LongCell[] cells = new LongCell[Columns.Length];
            cells[0] = LongCell.Of(part.Content.Name);
            cells[1] = LongCell.Of(part.Run ?? "changed");
            for (int i = 0; i < row.Cells.Length; i++)
            {
                int place = _places[part.Columns[i].Name];
                cells[place] = Columns[place].Type == LongType.Text ? LongCell.Of(row.Cells[i].ToString()) : row.Cells[i];
            }
            cells[value] = row.Value;
            cells[change] = row.Change;
            yield return cells;
        }
    }

    /// <summary>One kept value in one run.</summary>
    private sealed class Part
    {
        private readonly ImmutableArray<int> _prompts;

        public Part(KeptContent content, string? run, ImmutableArray<int> prompts)
        {
            (Content, Run, _prompts) = (content, run, prompts);
            Columns = [.. content.Axes.SelectMany(Of)];
        }

        public KeptContent Content { get; }

        /// <summary>The unchanged run; <see langword="null"/> for the changed one.</summary>
        public string? Run { get; }

        public ImmutableArray<LongColumn> Columns { get; }

        public static Part OfGradient(RunResult result, string parameter)
        {
            Tensor gradient = result.Gradient(parameter);
            string name = ResultLayout.GradientOf(parameter);
            ImmutableArray<ResultAxis> axes =
            [
                .. gradient.shape.Select((_, axis) => new ResultAxis(KeptAxis.OfPlace(axis + 1).Name, ResultAxisKind.Own, [])),
            ];
            return new Part(new KeptContent(name, name, gradient, axes, new ResultTensors(new Dictionary<string, Tensor>())), null, []);
        }

        /// <summary>The rows, padding left out.</summary>
        public IEnumerable<PartRow> Rows()
        {
            double[] values = Numbers(Content.Values);
            double[]? changes = Run is null && Content.Baseline is not null ? Numbers(Content.Change().Values) : null;
            bool[]? real = Content.Mask is { } mask ? Bits(mask.expand(Content.Values.shape)) : null;
            bool isSingle = Content.Values.dtype != ScalarType.Float64;
            int[] sizes = [.. Content.Values.shape.Select(size => (int)size)], at = new int[sizes.Length];
            for (int i = 0; i < values.Length; i++)
            {
                if (real is null || real[i])
                    yield return new PartRow(
                        [.. Cells(at)], LongCell.Of(values[i], isSingle),
                        changes is null ? default : LongCell.Of(changes[i], isSingle));
                for (int axis = at.Length - 1; axis >= 0 && ++at[axis] == sizes[axis]; axis--)
                    at[axis] = 0;
            }
        }

        private IEnumerable<LongColumn> Of(ResultAxis axis)
        {
            string name = axis.Kind == ResultAxisKind.Batch ? Prompt
                : axis.Name is Kept or LongFormat.Run or Prompt or Value or LongFormat.Change ? $"{axis.Name}_"
                : axis.Name;
            int sweep = axis.Kind == ResultAxisKind.Sweep ? Content.Axes.IndexOf(axis) : -1;
            yield return new LongColumn(name, sweep < 0 ? LongType.Whole
                : !Content.Sweep[sweep].HasNumbers ? LongType.Text
                : Content.Sweep[sweep].Coordinates.All(one => one.Number == Math.Floor(one.Number)) ? LongType.Whole
                : LongType.Number);
            if (!axis.IsPositional)
                yield break;
            if (sweep < 0)
                yield return new LongColumn($"{name}_name", LongType.Text);
            yield return new LongColumn($"{name}_token", LongType.Text);
        }

        private IEnumerable<LongCell> Cells(int[] at)
        {
            for (int axis = 0; axis < at.Length; axis++)
            {
                ResultAxis of = Content.Axes[axis];
                string label = InSweep(of.Label(at[axis]), at);
                if (of.Kind == ResultAxisKind.Sweep)
                {
                    SweepCoordinate coordinate = Content.Sweep[axis].Coordinates[at[axis]];
                    yield return coordinate.Name is { } name ? LongCell.Of(name) : LongCell.Of(coordinate.Number, isSingle: false);
                    if (of.IsPositional)
                        yield return Token(at, label);
                }
                else if (of.Kind == ResultAxisKind.Batch)
                    yield return LongCell.Of(_prompts[at[axis]], isSingle: false);
                else if (!of.IsPositional)
                    yield return LongCell.Of(int.TryParse(label, out int index) ? index : at[axis], isSingle: false);
                else
                {
                    int? token = Content.Prompts[at[Content.BatchAxis]].TokenAt(label);
                    yield return LongCell.Of(token ?? at[axis], isSingle: false);
                    yield return int.TryParse(label, out _) ? default : LongCell.Of(label);
                    yield return Token(at, label);
                }
            }
        }

        /// <summary>The text of the prompt's token at a position.</summary>
        private LongCell Token(int[] at, string position)
        {
            PromptPlaces prompt = Content.Prompts[at[Content.BatchAxis]];
            return prompt.TokenAt(position) is int token ? LongCell.Of(prompt.Run.Tokens[token]) : default;
        }

        /// <summary>A label, or, of a placeholder in braces, where the sweep stands.</summary>
        private string InSweep(string label, int[] at)
        {
            if (!label.StartsWith('{'))
                return label;
            int axis = Content.Sweep.ToList().FindIndex(sweep => label == $"{{{sweep.Name}}}");
            return axis < 0 ? label : Content.Sweep[axis].Coordinates[at[axis]].ToString();
        }

        private static double[] Numbers(Tensor values)
        {
            using DisposeScope scope = NewDisposeScope();
            return [.. values.to(ScalarType.Float64).cpu().contiguous().data<double>()];
        }

        private static bool[] Bits(Tensor mask)
        {
            using DisposeScope scope = NewDisposeScope();
            return [.. mask.cpu().contiguous().data<bool>()];
        }
    }

    private readonly record struct PartRow(LongCell[] Cells, LongCell Value, LongCell Change);
}

/// <summary>A column of the long form.</summary>
internal sealed record LongColumn(string Name, LongType Type);

/// <summary>What a column holds.</summary>
internal enum LongType
{
    /// <summary>Text.</summary>
    Text,

    /// <summary>Whole numbers.</summary>
    Whole,

    /// <summary>Numbers.</summary>
    Number,
}

/// <summary>A cell of the long form: empty, a text or a number.</summary>
/// <param name="Text">The text; <see langword="null"/> for a number, and in an empty cell.</param>
/// <param name="Number">The number; <see langword="null"/> for a text, and in an empty cell.</param>
/// <param name="IsSingle">Whether the number was one of single precision, which fewer digits say exactly.</param>
internal readonly record struct LongCell(string? Text, double? Number, bool IsSingle)
{
    public static LongCell Of(string text) => new(text, null, false);

    public static LongCell Of(double number, bool isSingle) => new(null, number, isSingle);

    /// <summary>The text, or the number in the invariant culture, in as many digits as it needs to come back.</summary>
    public override string ToString() => Text ?? (Number is not double number ? ""
        : IsSingle ? ((float)number).ToString("R", CultureInfo.InvariantCulture)
        : number.ToString("R", CultureInfo.InvariantCulture));
}
