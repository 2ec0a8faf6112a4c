using System.Collections.Immutable;
using System.Globalization;
using Interventions.Binding;
using Interventions.Runtime;
using Interventions.Tables;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>
/// The cross entropy of texts that an intervention is made on, in nats a token: what steering costs where nothing is asked for. Texts are
/// given, never sampled, and only targets behind the changed positions are scored.
/// </summary>
public sealed class TextLoss
{
    private const string Name = "Loss";

    private readonly ImmutableArray<(SweepPoint Point, ImmutableArray<double> OfTexts)> _points;
    private readonly ImmutableArray<double> _unchanged;
    private readonly ImmutableArray<int> _targets; // of each text

    private TextLoss(
        int firstTarget, ImmutableArray<int> targets, ImmutableArray<double> unchanged,
        ImmutableArray<(SweepPoint, ImmutableArray<double>)> points) =>
        (FirstTarget, _targets, _unchanged, _points) = (firstTarget, targets, unchanged, points);

    /// <summary>The first token of a text that is scored.</summary>
    public int FirstTarget { get; }

    /// <summary>How many tokens are scored, of all texts together.</summary>
    public int Targets => _targets.Sum();

    /// <summary>The mean over all scored tokens in the model as it is.</summary>
    public double Unchanged => Mean(_unchanged);

    /// <summary>The points of the intervention's sweep, in its order; one without a sweep.</summary>
    public IReadOnlyList<SweepPoint> Points => [.. _points.Select(one => one.Point)];

    /// <summary>The mean over all scored tokens at each point.</summary>
    public IReadOnlyList<double> Changed => [.. _points.Select(one => Mean(one.OfTexts))];

    /// <summary>The mean of each text at a point.</summary>
    /// <param name="point">The number of the point.</param>
    public IReadOnlyList<double> OfTexts(int point) => _points[point].OfTexts;

    /// <summary>The mean of each text in the model as it is.</summary>
    public IReadOnlyList<double> UnchangedOfTexts => _unchanged;

    /// <summary>Measures the loss at every point of the intervention's sweep, as one planned run for each length of texts.</summary>
    /// <param name="intervention">What is changed, on its model.</param>
    /// <param name="texts">The texts. Their first run counts.</param>
    /// <param name="firstTarget">
    /// The first token that is scored, at least 1. Behind a last changed position p it is p + 2: token p + 1 is predicted at p.
    /// </param>
    /// <param name="options">How to run.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <exception cref="ArgumentException">A text is too short to have such a token, or there is no text.</exception>
    /// <exception cref="InterventionException">What a run refuses.</exception>
    public static TextLoss Of(
        Intervention intervention,
        IPromptSet texts,
        int firstTarget = 1,
        RunOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(intervention);
        ArgumentNullException.ThrowIfNull(texts);
        ArgumentOutOfRangeException.ThrowIfLessThan(firstTarget, 1);
        long[][] all = [.. texts.Prompts.Select(text => text.Runs[0].Ids.ToArray())];
        if (all.Length == 0)
            throw new ArgumentException("There is no text.", nameof(texts));
        if (Array.FindIndex(all, text => text.Length <= firstTarget) is >= 0 and int tooShort)
            throw new ArgumentException(
                $"Text {tooShort} of {texts.Vocabulary.PromptSet} has {TextTable.Count(all[tooShort].Length, "token")}, and token "
                + $"{firstTarget} is the first that is scored: give longer texts, or steer fewer positions of them.", nameof(texts));
        double[] unchanged = new double[all.Length];
        ImmutableArray<SweepPoint> points = [];
        double[][] changed = []; // [point][text]
        foreach (IGrouping<int, int> alike in Enumerable.Range(0, all.Length).GroupBy(text => all[text].Length))
        {
            int[] numbers = [.. alike];
            ScoredTexts scored = new(texts.Vocabulary.PromptSet, [.. numbers.Select(text => all[text])], firstTarget);
            InterventionGraph graph = intervention.GraphFor(scored);
            using DisposeScope scope = NewDisposeScope();
            using RunResult run = (graph with { Captures = graph.Captures.Add(scored.Capture(Name)) })
                .Run(intervention.Model, scored, options, cancellationToken);
            SweptTensor kept = run.Changed(Name);
            points = PointsOf(kept.Sweep);
            changed = changed.Length > 0 ? changed : [.. points.Select(_ => new double[all.Length])];
            double[] means = Means(kept.Values), asIs = Means(run.Run(ScoredTexts.Run)[Name]);
            for (int text = 0; text < numbers.Length; text++)
            {
                unchanged[numbers[text]] = asIs[text];
                for (int point = 0; point < points.Length; point++)
                    changed[point][numbers[text]] = means[(point * numbers.Length) + text];
            }
        }
        return new TextLoss(
            firstTarget, [.. all.Select(text => text.Length - firstTarget)], [.. unchanged],
            [.. points.Select((point, i) => (point, changed[i].ToImmutableArray()))]);

        static double[] Means(Tensor losses) => [.. losses.mean([-1L]).cpu().contiguous().data<double>()];
    }

    /// <summary>A row a point: its loss, and how much more that is than the model's own.</summary>
    public override string ToString()
    {
        TextTable table = new(new TextColumn("point"), new TextColumn("loss", IsNumber: true), new TextColumn("change", IsNumber: true));
        table.Add("model", Text(Unchanged), "");
        foreach ((SweepPoint point, ImmutableArray<double> ofTexts) in _points)
            table.Add(
                point.Axes.IsEmpty ? "changed" : $"{point}", Text(Mean(ofTexts)),
                (Mean(ofTexts) - Unchanged).ToString("+0.0000;-0.0000;0", CultureInfo.InvariantCulture));
        return $"{TextTable.Count(_targets.Length, "text")}, {TextTable.Count(Targets, "token")} scored, from {FirstTarget} on\n"
            + table.Print(mostRows: 40);

        static string Text(double loss) => loss.ToString("0.0000", CultureInfo.InvariantCulture);
    }

    /// <summary>All points of some axes, the last one fastest.</summary>
    internal static ImmutableArray<SweepPoint> PointsOf(ImmutableArray<SweepAxis> axes)
    {
        IEnumerable<ImmutableArray<SweepCoordinate>> points = [[]];
        foreach (SweepAxis axis in axes)
            points = [.. points.SelectMany(point => axis.Coordinates.Select(coordinate => point.Add(coordinate)))];
        return [.. points.Select(point => new SweepPoint(axes, point))];
    }

    private double Mean(ImmutableArray<double> ofTexts) => ofTexts.Zip(_targets, (loss, count) => loss * count).Sum() / Targets;

    /// <summary>Texts of one length as prompts whose answers are their own tokens, from the first scored one on.</summary>
    private sealed class ScoredTexts : IPromptSet
    {
        public const string Run = "text";

        private readonly int _first, _length;

        public ScoredTexts(string name, long[][] texts, int first)
        {
            (_first, _length) = (first, texts[0].Length);
            Vocabulary = new(name, EquatableArray.Of(Run), EquatableArray.Of("end"), Targets.ToEquatableArray());
            Prompts = [.. texts.Select(ids => new PromptTokens([new RunTokens(ids, [ids.Length - 1])], ids[first..]))];
        }

        public PromptVocabulary Vocabulary { get; }

        public IReadOnlyList<PromptTokens> Prompts { get; }

        private IEnumerable<string> Targets => Enumerable.Range(_first, _length - _first).Select(at => $"token{at}");

        /// <summary>The loss of each scored token, <c>[batch, token]</c>, float64: that of token t is read at position t − 1.</summary>
        public CaptureNode Capture(string name) => new(
            name, $"logits[pos={_first - 1}..{_length - 2}]",
            [new Read.Value(), .. Targets.Select(target => new Read.AnswerIds(target))], Loss);

        private static Tensor Loss(ReadOnlySpan<Tensor> arguments)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor logits = arguments[0], ids = stack(arguments[1..].ToArray(), 1);
            Tensor wide = logits.dtype is ScalarType.Float16 or ScalarType.BFloat16 ? logits.to(ScalarType.Float32) : logits;
            return wide.log_softmax(-1).gather(-1, ids.unsqueeze(-1)).squeeze(-1).neg().to(ScalarType.Float64).MoveToOuterDisposeScope();
        }
    }
}
