using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Interventions.Execution;
using Interventions.Files;
using Interventions.ModelGraphs;

namespace Interventions.Features;

/// <summary>The loss and the rollouts of a point, before anybody says what a success is.</summary>
/// <param name="Layer">The layer, of layers one at a time.</param>
/// <param name="Strength">The strength.</param>
/// <param name="Loss">The mean loss of scored tokens.</param>
/// <param name="Rollouts">Prompt by prompt and continuation by continuation.</param>
internal sealed record MeasuredPoint(int? Layer, double Strength, double Loss, ImmutableArray<GeneratedText> Rollouts)
{
    /// <summary>Writes or reads a point.</summary>
    public static MeasuredPoint Fields(JsonFields fields, MeasuredPoint? known, HookedModel model)
    {
        int? layer = fields.OptionalInteger("layer", known?.Layer);
        double strength = fields.Number("strength", known?.Strength), loss = fields.Number("loss", known?.Loss);
        return new(layer, strength, loss, fields.List("rollouts", known?.Rollouts ?? default, (text, rollout) =>
        {
            ImmutableArray<long> tokens = text.Longs("tokens", rollout is null ? default : [.. rollout.Tokens]);
            ImmutableArray<double> logs = text.Numbers("logProbabilities", rollout is null ? default : [.. rollout.LogProbabilities]);
            int? stoppedBy = text.OptionalInteger("stoppedBy", (int?)rollout?.StoppedBy);
            return rollout ?? (logs.Length == tokens.Length
                ? new GeneratedText(tokens, logs, stoppedBy, model)
                : throw text.Wrong($"there are {tokens.Length} tokens and {logs.Length} probabilities"));
        }));
    }
}

/// <summary>The points of a sweep, as one planned run or part by part.</summary>
/// <param name="FirstTarget">The first token of a text that is scored.</param>
/// <param name="Targets">How many tokens are scored.</param>
/// <param name="Unchanged">The model as it is.</param>
/// <param name="Points">The points, layer by layer and strength by strength.</param>
internal sealed record MeasuredSweep(int FirstTarget, int Targets, MeasuredPoint Unchanged, ImmutableArray<MeasuredPoint> Points)
{
    /// <summary>Measures all points.</summary>
    public static MeasuredSweep Of(SweepWork work, CancellationToken cancellationToken)
    {
        SteeringOptions options = work.Options;
        TextLoss loss = TextLoss.Of(
            work.OfTexts.On(work.Model, work.Strengths), work.Texts, work.FirstTarget, options.Run, cancellationToken);
        using GenerationResult<GeneratedRun> generated = work.Steering.On(work.Model, work.Strengths)
            .Generate(work.Prompts, options.Generation with { WithBase = true }, cancellationToken);
        return new MeasuredSweep(
            loss.FirstTarget, loss.Targets, new MeasuredPoint(null, 0, loss.Unchanged, All(generated.Base)),
            [.. loss.Points.Select((point, i) => new MeasuredPoint(
                work.Steering.AreSwept ? (int)point["layer"].Number : null, point["strength"].Number, loss.Changed[i],
                All(generated.Changed(point.Coordinates.AsSpan()))))]);

        static ImmutableArray<GeneratedText> All(GeneratedRun run) => [.. run.Continuations.SelectMany(texts => texts)];
    }

    /// <summary>
    /// Measures layer by layer, or strength by strength, and writes a file after each; what it has already is not measured.
    /// </summary>
    /// <exception cref="InterventionException">The file was begun with something else, or is malformed.</exception>
    public static MeasuredSweep To(string path, SweepWork work, CancellationToken cancellationToken)
    {
        string origin = work.Origin();
        MeasuredSweep? done = File.Exists(path) ? Read(path, origin, work.Model) : null;
        SweepWork[] parts = [.. work.Parts()];
        while (done is null || done.Points.Length < parts.Sum(part => part.Count))
        {
            int measured = done?.Points.Length ?? 0;
            SweepWork next = parts.SkipWhile(part => (measured -= part.Count) >= 0).First();
            MeasuredSweep part = Of(next, cancellationToken);
            done = done is null ? part : done with { Points = done.Points.AddRange(part.Points) };
            byte[] text = Encoding.UTF8.GetBytes(JsonFields.Write(fields => Fields(fields, done, origin, work.Model)));
            CompleteFile.Replace(path, stream => stream.Write(text));
        }
        return done;
    }

    private static MeasuredSweep Read(string path, string origin, HookedModel model)
    {
        try
        {
            return JsonFields.Read(File.ReadAllText(path), fields => Fields(fields, null, origin, model), (place, problem) =>
                new InterventionException($"'{path}' is no sweep to go on with: {(place.Length > 0 ? $"at {place}, " : "")}{problem}."));
        }
        catch (JsonException wrong)
        {
            throw new InterventionException($"'{path}' is no sweep to go on with: {wrong.Message}", wrong);
        }
    }

    private static MeasuredSweep Fields(JsonFields fields, MeasuredSweep? known, string origin, HookedModel model)
    {
        if (fields.Text("origin", known is null ? null : origin) != origin)
            throw fields.Wrong(
                "it was begun with another model, other vectors, strengths, prompts, texts or options: give another path, or delete it");
        int first = fields.Integer("firstTarget", known?.FirstTarget), targets = fields.Integer("targets", known?.Targets);
        ImmutableArray<MeasuredPoint> all = known is null ? default : [known.Unchanged, .. known.Points];
        ImmutableArray<MeasuredPoint> points = fields.List("points", all, (point, one) => MeasuredPoint.Fields(point, one, model));
        return points.IsDefaultOrEmpty ? throw fields.Wrong("there is no point") : new(first, targets, points[0], points[1..]);
    }
}

/// <summary>What is measured.</summary>
internal sealed record SweepWork(
    HookedModel Model, Steering Steering, IReadOnlyList<double> Strengths, IPromptSet Prompts, IPromptSet Texts, SteeringOptions Options)
{
    /// <summary>The first token of texts that is scored.</summary>
    public required int FirstTarget { get; init; }

    /// <summary>The steering at the positions of texts.</summary>
    public Steering OfTexts => Steering with { At = Options.TextAt ?? Steering.At };

    /// <summary>How many points there are.</summary>
    public int Count => Strengths.Count * (Steering.AreSwept ? Steering.Vectors.Length : 1);

    /// <summary>The work layer by layer, or else strength by strength, in the order of the points.</summary>
    public IEnumerable<SweepWork> Parts() => Steering.AreSwept
        ? Steering.Vectors.Select(vector => this with { Steering = Steering.Only(vector) })
        : Strengths.Select(strength => this with { Strengths = [strength] });

    /// <summary>Everything that decides the numbers, as a text.</summary>
    /// <exception cref="InterventionException">The model does not say which weights it has.</exception>
    public string Origin()
    {
        string weights = Model.WeightsFingerprint() ?? throw new InterventionException(
            $"{Model.Schema.Model} does not say which weights it has, so nobody could tell whether a file goes on with the same ones: "
            + $"override {nameof(HookedModel.WeightsFingerprint)}.");
        GenerationOptions tokens = Options.Generation;
        return string.Create(CultureInfo.InvariantCulture, $"""
            {Model.Schema.Fingerprint} {weights}; {Steering} {WeightsChecksum.Of(Steering.Vectors.Select(vector => vector.Value))};
            strengths {string.Join(", ", Strengths.Select(strength => strength.ToString("R", CultureInfo.InvariantCulture)))};
            prompts {ResultOrigin.HashOf(Prompts)}; texts {ResultOrigin.HashOf(Texts)} at {Options.TextAt} from {FirstTarget};
            {tokens.Continuations} times {tokens.MaxNewTokens} tokens, seed {tokens.Seed}, temperature {tokens.Temperature},
            top-k {tokens.TopK}, top-p {tokens.TopP}, penalty {tokens.FrequencyPenalty},
            until {string.Join(", ", tokens.StopTokens)} or {tokens.StopAtEnd}
            """).ReplaceLineEndings(" ");
    }
}
