using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Interventions.Files;
using Interventions.Runtime;
using Interventions.Sites;

namespace Interventions.Results;

/// <summary>
/// The content of a result: its tensors by name and axis, its prompts, and its effects. A file holds it as JSON among its metadata.
/// </summary>
internal sealed record ResultLayout
{
    /// <summary>The metadata of a file that hold a layout.</summary>
    public const string Key = "interventions.result";

    /// <summary>The metadata of a file that hold the names of the tensors' axes.</summary>
    public const string AxesKey = "interventions.axes";

    /// <summary>The number of the file format. Version 1 is that of packages 0.1.</summary>
    private const int Version = 3;

    /// <summary>
    /// A number, or a name as a text. A number that JSON lacks (an infinite strength) is an object, because a text is a name.
    /// </summary>
    private static readonly JsonScalar<SweepCoordinate> s_coordinate = new("a coordinate", WriteCoordinate, ReadCoordinate);

    /// <summary>The declaration's name.</summary>
    public required string Declaration { get; init; }

    /// <summary>The model's <see cref="ModelGraphs.HookedModel.WeightsNote"/>.</summary>
    public string? WeightsNote { get; init; }

    /// <summary>The placeholders, in order.</summary>
    public required ImmutableArray<SweepAxis> Sweep { get; init; }

    /// <summary>The runs of the prompt set.</summary>
    public required ImmutableArray<string> Runs { get; init; }

    /// <summary>Those of which values were kept: all, unless the run's options said which.</summary>
    public ImmutableArray<string> KeptRuns
    {
        get => field.IsDefault ? Runs : field;
        init;
    }

    /// <summary>The run that is changed.</summary>
    public required string BaseRun { get; init; }

    /// <summary>Captures, gradients and metrics.</summary>
    public required ImmutableArray<KeptLayout> Kept { get; init; }

    /// <summary>The parameters whose gradients are kept.</summary>
    public required ImmutableArray<string> Parameters { get; init; }

    /// <summary>The numbers of the prompts, along the axis of prompts.</summary>
    public required ImmutableArray<int> Prompts { get; init; }

    /// <summary>The names of positions.</summary>
    public required ImmutableArray<string> Positions { get; init; }

    /// <summary>The tokens of the prompts, along the axis of prompts.</summary>
    public required ImmutableArray<PromptLayout> Tokens { get; init; }

    /// <summary>The effect of each declared write.</summary>
    public required ImmutableArray<WriteEffect> Effects { get; init; }

    /// <summary>The promises that a strict run could not check, and methods that made infinite values.</summary>
    public required ImmutableArray<string> Notes { get; init; }

    /// <summary>Writes without effect, on all prompts or on some.</summary>
    public IEnumerable<string> Warnings => WriteEffect.Warnings(Effects, Declaration, !Sweep.IsEmpty, Prompts.Length)
        .Concat(Effects.Select(effect => effect.PointWarning(Declaration, PointCount, Describe)).OfType<string>());

    /// <summary>The names of all tensors.</summary>
    public IEnumerable<string> Tensors => Kept
        .SelectMany(kept => KeptRuns.Select(run => Of(run, kept.Name)).Prepend(kept.Name).Concat(kept.IsMasked ? [MaskOf(kept.Name)] : []))
        .Concat(Parameters.Select(GradientOf));

    /// <summary>The layout of all batches together: prompts in their order.</summary>
    public static ResultLayout Join(IReadOnlyList<ResultLayout> batches) => batches[0] with
    {
        Kept = [.. batches[0].Kept.Select((_, i) => KeptLayout.Join([.. batches.Select(batch => batch.Kept[i])]))],
        Prompts = [.. batches.SelectMany(batch => batch.Prompts).Order()],
        Tokens = [.. batches.SelectMany(batch => batch.Prompts.Zip(batch.Tokens)).OrderBy(pair => pair.First).Select(pair => pair.Second)],
        Effects = batches.Select(batch => batch.Effects).Aggregate(WriteEffect.Sum),
        Notes = [.. batches.SelectMany(batch => batch.Notes).Distinct().Order(StringComparer.Ordinal)],
    };

    /// <summary>The tensor of a value in an unchanged run.</summary>
    public static string Of(string run, string name) => $"{run}/{name}";

    /// <summary>The tensor of a value's mask.</summary>
    public static string MaskOf(string name) => $"{name}.mask";

    /// <summary>The tensor of a parameter's gradient.</summary>
    public static string GradientOf(string parameter) => $"{parameter}.gradient";

    /// <summary>The number of axes before the axis of prompts.</summary>
    /// <param name="kept">The kept value.</param>
    /// <param name="isChanged">Whether the value is the changed run's.</param>
    public int BatchAxis(KeptLayout kept, bool isChanged) => (isChanged || kept.IsSwept ? Sweep.Length : 0) + (kept.IsStacked ? 1 : 0);

    /// <summary>The axes of a kept value, outermost first. One that is called like an axis before it is <c>kept_…</c>.</summary>
    /// <param name="kept">The kept value.</param>
    /// <param name="isChanged">Whether the value is the changed run's.</param>
    public ImmutableArray<ResultAxis> Axes(KeptLayout kept, bool isChanged)
    {
        List<ResultAxis> axes = [];
        if (isChanged || kept.IsSwept)
            axes.AddRange(Sweep.Select(axis =>
                new ResultAxis(axis.Name, ResultAxisKind.Sweep, [.. axis.Coordinates.Select(coordinate => coordinate.ToString())])
                {
                    IsPositional = axis.HasNames && !Tokens.IsEmpty && axis.Coordinates.All(IsPosition),
                }));
        if (kept.IsStacked)
            axes.Add(Own("layer", ResultAxisKind.Layer, Numbers(kept.Layers)));
        axes.Add(Own("batch", ResultAxisKind.Batch, Numbers(Prompts)));
        foreach (KeptAxis axis in kept.Axes)
            axes.Add(Own(axis.Name, ResultAxisKind.Own, axis.Labels) with { IsPositional = SiteResolver.IsPositionAxis(axis.Name) });
        return [.. axes];

        bool IsPosition(SweepCoordinate coordinate) =>
            new PromptPlaces(Tokens[0].Runs[0], Positions).TokenAt(coordinate.Name!) is not null;

        ResultAxis Own(string name, ResultAxisKind kind, ImmutableArray<string> labels) =>
            new(axes.Exists(axis => axis.Name == name) ? $"kept_{name}" : name, kind, labels);

        static ImmutableArray<string> Numbers(ImmutableArray<int> numbers) =>
            [.. numbers.Select(number => number.ToString(CultureInfo.InvariantCulture))];
    }

    /// <summary>
    /// The names of every tensor's axes as JSON, for readers that know nothing of results: <c>{"LogitDifference":["layer","batch"]}</c>.
    /// </summary>
    public string AxesToJson() => JsonFields.Write(fields =>
    {
        foreach (KeptLayout kept in Kept)
        {
            _ = fields.Texts(kept.Name, [.. Axes(kept, isChanged: true).Select(axis => axis.Name)]);
            foreach (string run in KeptRuns)
                _ = fields.Texts(Of(run, kept.Name), [.. Axes(kept, isChanged: false).Select(axis => axis.Name)]);
        }
    });

    private int PointCount => Sweep.Aggregate(1, (product, axis) => product * axis.Coordinates.Length);

    /// <summary>Says which points of the sweep are meant: coordinates of one axis where these decide, else the first points.</summary>
    private string Describe(ImmutableArray<int> points)
    {
        const int Listed = 3;
        int stride = PointCount;
        foreach (SweepAxis axis in Sweep)
        {
            (int length, int inner) = (axis.Coordinates.Length, stride /= axis.Coordinates.Length);
            int[] coordinates = [.. points.Select(point => point / inner % length).Distinct().Order()];
            if (coordinates.Length * (PointCount / length) == points.Length)
                return $"{axis.Name}={string.Join(',', coordinates.Select(at => axis.Coordinates[at]))}";
        }
        return string.Join("; ", points.Take(Listed).Select(Point)) + (points.Length > Listed ? "; …" : "");

        SweepPoint Point(int number)
        {
            int inner = PointCount;
            return new SweepPoint(
                Sweep, [.. Sweep.Select(axis => axis.Coordinates[number / (inner /= axis.Coordinates.Length) % axis.Coordinates.Length])]);
        }
    }

    /// <summary>The layout as JSON.</summary>
    public string ToJson() => JsonFields.Write(fields => Fields(fields, this));

    /// <summary>Reads the layout of a file.</summary>
    /// <exception cref="ResultFileException">The file holds no result, or one of another version of the format.</exception>
    public static ResultLayout Of(SafeTensorFile file)
    {
        if (!file.Metadata.TryGetValue(Key, out string? text))
            throw new ResultFileException(file.Path, $"holds tensors, but no result of a run: it has no metadata '{Key}'.");
        ResultLayout layout;
        try
        {
            CheckVersion(file.Path, text);
            layout = JsonFields.Read(text, json => Fields(json, null), (place, problem) => Malformed($"{place} {problem}.".TrimStart()));
        }
        catch (JsonException wrong)
        {
            throw Malformed(wrong.Message, wrong);
        }
        return layout.Tensors.FirstOrDefault(tensor => !file.Entries.ContainsKey(tensor)) is { } missing
            ? throw new ResultFileException(file.Path, $"has no tensor '{missing}', which its metadata describe.")
            : layout;

        ResultFileException Malformed(string problem, Exception? inner = null) =>
            new(file.Path, $"has metadata '{Key}' that describe no result: {problem}", inner);
    }

    /// <summary>A file of another version has other fields, so its version is read alone, before them.</summary>
    private static void CheckVersion(string path, string json)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        if (document.RootElement.ValueKind is not JsonValueKind.Object
            || !document.RootElement.TryGetProperty("version", out JsonElement value)
            || !value.TryGetInt32(out int version) || version == Version)
            return;
        throw new ResultFileException(path, version < Version
            ? $"was written by version {version} of the format, and this library reads version {Version}: run it again."
            : $"was written by version {version} of the format, and this library reads version {Version}: update the package.");
    }

    private static ResultLayout Fields(JsonFields fields, ResultLayout? layout)
    {
        _ = fields.Integer("version", Version);
        return new ResultLayout
        {
            Declaration = fields.Text("declaration", layout?.Declaration),
            WeightsNote = fields.OptionalText("weights", layout?.WeightsNote),
            Sweep = fields.List("sweep", layout?.Sweep ?? [], Axis),
            Runs = fields.Texts("runs", layout?.Runs ?? default),
            KeptRuns = fields.OptionalTexts(
                "keptRuns", layout is null || layout.KeptRuns.SequenceEqual(layout.Runs) ? default : layout.KeptRuns),
            BaseRun = fields.Text("baseRun", layout?.BaseRun),
            Kept = fields.List("kept", layout?.Kept ?? [], KeptFields),
            Parameters = fields.Texts("parameters", layout?.Parameters ?? default),
            Prompts = fields.Integers("prompts", layout?.Prompts ?? default),
            Positions = fields.Texts("positions", layout?.Positions ?? default),
            Tokens = fields.List("tokens", layout?.Tokens ?? [], Prompt),
            Effects = fields.List("effects", layout?.Effects ?? [], Effect),
            Notes = fields.Texts("notes", layout?.Notes ?? default),
        };
    }

    private static SweepAxis Axis(JsonFields fields, SweepAxis? axis)
    {
        string name = fields.Text("name", axis?.Name);
        ImmutableArray<SweepCoordinate> coordinates = fields.Values("coordinates", axis?.Coordinates ?? default, s_coordinate);
        return
            coordinates.IsDefault ? throw fields.Wrong("'coordinates' is missing") :
            ListedPoints.Placeholders(name).Count == 1 ? new SweepAxis(name, coordinates) :
            SweepAxis.OfPoints(name, [.. coordinates.Select(point => point.ToString())]);
    }

    private static KeptLayout KeptFields(JsonFields fields, KeptLayout? kept) => new(
        fields.Text("name", kept?.Name),
        fields.Integers("layers", kept?.Layers ?? default),
        fields.Truth("swept", kept?.IsSwept),
        fields.Truth("masked", kept?.IsMasked),
        fields.List("axes", kept?.Axes ?? [], (axis, one) =>
            new KeptAxis(axis.Text("name", one?.Name), axis.Texts("labels", one?.Labels ?? default))));

    private static PromptLayout Prompt(JsonFields fields, PromptLayout? prompt) =>
        new(fields.List("runs", prompt?.Runs ?? [], (run, one) =>
            new RunLayout(run.Texts("tokens", one?.Tokens ?? default), run.Integers("positions", one?.Positions ?? default))));

    private static WriteEffect Effect(JsonFields fields, WriteEffect? effect) => new(
        fields.Text("write", effect?.Write),
        fields.Text("site", effect?.Site),
        fields.OptionalText("run", effect?.Run),
        fields.Long("selected", effect?.Selected),
        fields.Long("written", effect?.Written),
        fields.Long("compared", effect?.Compared),
        fields.Long("changed", effect?.Changed),
        fields.Number("largest", effect?.Largest))
    {
        Read = fields.Long("read", effect?.Read),
        Due = fields.Long("due", effect?.Due),
        Alike = fields.Integers("alike", effect?.Alike ?? default),
        Points = new UnreadPoints(
            fields.OptionalIntegers("unread", effect?.Points.Unread ?? []), fields.OptionalIntegers("undue", effect?.Points.Undue ?? [])),
    };

    private static void WriteCoordinate(Utf8JsonWriter json, SweepCoordinate coordinate)
    {
        if (coordinate.Name is { } name)
            json.WriteStringValue(name);
        else if (double.IsFinite(coordinate.Number))
            json.WriteNumberValue(coordinate.Number);
        else
        {
            json.WriteStartObject();
            json.WriteString("number", coordinate.Number.ToString(CultureInfo.InvariantCulture));
            json.WriteEndObject();
        }
    }

    private static bool ReadCoordinate(JsonElement json, out SweepCoordinate coordinate)
    {
        coordinate = json.ValueKind switch
        {
            JsonValueKind.String => json.GetString()!,
            JsonValueKind.Number => json.GetDouble(),
            _ => 0,
        };
        if (json.ValueKind is JsonValueKind.String or JsonValueKind.Number)
            return true;
        if (json.ValueKind is not JsonValueKind.Object || !json.TryGetProperty("number", out JsonElement text)
            || text.ValueKind is not JsonValueKind.String
            || !double.TryParse(text.GetString(), NumberStyles.Float, CultureInfo.InvariantCulture, out double number))
            return false;
        coordinate = number;
        return true;
    }
}
