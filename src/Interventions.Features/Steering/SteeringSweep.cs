using System.Collections.Immutable;
using System.Globalization;
using Interventions.ModelGraphs;
using Interventions.Results;
using Interventions.Tables;

namespace Interventions.Features;

/// <summary>
/// What steering does at every layer and strength of a sweep: how many rollouts are a success, and what it costs on text. Rollouts of all
/// points are one planned generation, losses of all points one planned run for each length of texts.
/// </summary>
public sealed class SteeringSweep
{
    private readonly ImmutableArray<ImmutableArray<GeneratedText>> _rollouts; // of each point

    private SteeringSweep(
        SteeringPoint unchanged, ImmutableArray<SteeringPoint> points, ImmutableArray<ImmutableArray<GeneratedText>> rollouts) =>
        (Unchanged, Points, _rollouts) = (unchanged, points, rollouts);

    /// <summary>The model as it is, with strength 0.</summary>
    public SteeringPoint Unchanged { get; }

    /// <summary>The points, layer by layer and strength by strength.</summary>
    public ImmutableArray<SteeringPoint> Points { get; }

    /// <summary>The first token of a text that is scored.</summary>
    public int FirstTarget { get; private init; }

    /// <summary>How many tokens of texts are scored.</summary>
    public int Targets { get; private init; }

    /// <summary>Measures a steering.</summary>
    /// <param name="model">The model.</param>
    /// <param name="steering">The vectors, and what is done with them.</param>
    /// <param name="strengths">The strengths, each once.</param>
    /// <param name="prompts">The prompts that are continued. Their first run counts.</param>
    /// <param name="texts">The texts whose loss is measured. Their first run counts.</param>
    /// <param name="isSuccess">
    /// Whether a rollout is a success: <see cref="WordList.IsIn(GeneratedText)"/> of a list of words, or anything else.
    /// </param>
    /// <param name="options">How rollouts are made, and what is scored.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <exception cref="ArgumentException">
    /// No target can be scored, or <see cref="SteeringOptions.FirstTarget"/> is predicted at a steered position.
    /// </exception>
    /// <exception cref="InterventionException">
    /// What a run or a generation refuses; or the file of <see cref="SteeringOptions.Path"/> was begun with something else.
    /// </exception>
    public static SteeringSweep Of(
        HookedModel model,
        Steering steering,
        IReadOnlyList<double> strengths,
        IPromptSet prompts,
        IPromptSet texts,
        Func<GeneratedText, bool> isSuccess,
        SteeringOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(steering);
        ArgumentNullException.ThrowIfNull(texts);
        ArgumentNullException.ThrowIfNull(isSuccess);
        ArgumentNullException.ThrowIfNull(strengths);
        ArgumentNullException.ThrowIfNull(prompts);
        options ??= new SteeringOptions();
        SweepWork work = new(model, steering, strengths, prompts, texts, options) { FirstTarget = 1 };
        work = work with { FirstTarget = FirstTargetOf(work.OfTexts, texts, options) };
        MeasuredSweep measured = options.Path is { } path
            ? MeasuredSweep.To(path, work, cancellationToken)
            : MeasuredSweep.Of(work, cancellationToken);
        int? onlyLayer = steering.Vectors is [{ Layer: var layer }] ? layer : null;
        return new SteeringSweep(
            new SteeringPoint("model", null, 0, 0, measured.Unchanged.Loss, Rate(measured.Unchanged)),
            [.. measured.Points.Select(Point)], [.. measured.Points.Select(point => point.Rollouts)])
        {
            FirstTarget = measured.FirstTarget,
            Targets = measured.Targets,
        };

        SuccessRate Rate(MeasuredPoint point) => SuccessRate.Of(point.Rollouts.Select(isSuccess));

        SteeringPoint Point(MeasuredPoint point) => new(
            steering.Name, point.Layer ?? onlyLayer, point.Strength, steering.NormOf(point.Strength, point.Layer), point.Loss, Rate(point))
        {
            IsReference = point.Strength == options.ReferenceStrength,
        };
    }

    /// <summary>The rollouts of a point, prompt by prompt and continuation by continuation.</summary>
    /// <exception cref="ArgumentException">It is no point of this sweep.</exception>
    public IReadOnlyList<GeneratedText> Rollouts(SteeringPoint point) => Points.IndexOf(point) is >= 0 and int place
        ? _rollouts[place]
        : throw new ArgumentException($"'{point}' is no point of this sweep.", nameof(point));

    /// <summary>
    /// The point with the most successes among those that cost little: of equally many, the one that costs least. Measure it on other
    /// prompts, since the best of many is too good where it was chosen.
    /// </summary>
    /// <param name="cost">The loss that it may add to the model's own, in nats.</param>
    /// <returns>The point; null where all of them cost more.</returns>
    public SteeringPoint? Best(double cost) => Points.Where(point => point.Loss - Unchanged.Loss <= cost)
        .OrderByDescending(point => point.Success.Rate).ThenBy(point => point.Loss).FirstOrDefault();

    /// <summary>
    /// Writes a row a point: method, layer, strength, norm, loss, success and its interval, and whether it is the reference.
    /// </summary>
    /// <param name="path">The file. It appears under its name only when it is complete.</param>
    public void SaveCsv(string path) => CsvFile.Write(path, PointTable.Columns, Points.Prepend(Unchanged).Select(PointTable.Cells));

    /// <summary>A row a point, those with the most successes first; ○ marks the reference strength.</summary>
    public override string ToString() =>
        $"{TextTable.Count(Unchanged.Success.Count, "rollout")}, {TextTable.Count(Targets, "token")} scored, from {FirstTarget} on\n"
        + PointTable.Of(
            Points.OrderByDescending(point => point.Success.Rate).ThenBy(point => point.Loss).Prepend(Unchanged), mostRows: 40);

    private static int FirstTargetOf(Steering steering, IPromptSet texts, SteeringOptions options)
    {
        int first = 1;
        foreach ((int number, PromptTokens text) in texts.Prompts.Index())
        {
            int length = text.Runs[0].Ids.Count, own = SteeredPositions.FirstTarget(steering.Positions, length);
            if (own >= length)
                throw new ArgumentException(
                    $"Text {number} has {TextTable.Count(length, "token")}, and steered at '{steering.Positions}' it has no token that "
                    + $"can be scored: give longer texts, or say {nameof(SteeringOptions)}.{nameof(SteeringOptions.TextAt)}.",
                    nameof(texts));
            first = Math.Max(first, own);
        }
        if (options.FirstTarget is { } asked && asked < first)
            throw new ArgumentException(
                $"{nameof(SteeringOptions.FirstTarget)} is {asked}, and with these steered positions {first} is the first token that can "
                + "be scored.", nameof(options));
        return options.FirstTarget ?? first;
    }
}

/// <summary>Points as a table.</summary>
internal static class PointTable
{
    public static readonly string[] Columns =
        ["method", "layer", "strength", "norm", "loss", "hits", "rollouts", "success", "low", "high", "reference"];

    public static string[] Cells(SteeringPoint point) =>
    [
        point.Method, point.Layer?.ToString(CultureInfo.InvariantCulture) ?? "", Exact(point.Strength),
        point.Norm is { } norm ? Exact(norm) : "", Exact(point.Loss), point.Success.Hits.ToString(CultureInfo.InvariantCulture),
        point.Success.Count.ToString(CultureInfo.InvariantCulture), Exact(point.Success.Rate), Exact(point.Success.Low),
        Exact(point.Success.High), point.IsReference ? "true" : "false",
    ];

    public static string Of(IEnumerable<SteeringPoint> points, int mostRows)
    {
        TextTable table = new(
            new TextColumn("method"), new TextColumn("layer", IsNumber: true), new TextColumn("strength", IsNumber: true),
            new TextColumn("norm", IsNumber: true), new TextColumn("loss", IsNumber: true), new TextColumn("success, 95 %"));
        foreach (SteeringPoint point in points)
            table.Add(
                point.Method, point.Layer?.ToString(CultureInfo.InvariantCulture) ?? "",
                point.Strength.ToString("0.###", CultureInfo.InvariantCulture) + (point.IsReference ? " ○" : "  "),
                point.Norm?.ToString("0.00", CultureInfo.InvariantCulture) ?? "",
                point.Loss.ToString("0.000", CultureInfo.InvariantCulture), $"{point.Success}");
        return table.Print(mostRows);
    }

    private static string Exact(double number) => number.ToString("R", CultureInfo.InvariantCulture);
}
