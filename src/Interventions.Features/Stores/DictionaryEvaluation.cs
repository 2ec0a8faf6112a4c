using System.Collections.Immutable;
using System.Globalization;
using Interventions.Files;
using Interventions.ModelGraphs;
using Interventions.Tables;

namespace Interventions.Features;

/// <summary>
/// What a dictionary does to a model on a corpus, and what its features do there. Losses are cross entropies of next tokens in nats, means
/// over all that count; a position that is left out keeps the model's own value in every run, and counts in no statistic of values.
/// </summary>
public sealed record DictionaryEvaluation
{
    /// <summary>From here on a feature is dense: it is active at every tenth position.</summary>
    private const double Dense = 0.1;

    /// <summary>Below this a feature is rare.</summary>
    private const double Rare = 1e-4;

    /// <summary>The dictionary, in words.</summary>
    public required string Dictionary { get; init; }

    /// <summary>The site whose values are replaced.</summary>
    public required string Site { get; init; }

    /// <summary>The positions that are left out, in words.</summary>
    public required string LeftOut { get; init; }

    /// <summary>How many contexts were measured.</summary>
    public required int Contexts { get; init; }

    /// <summary>How many positions count in statistics of values.</summary>
    public required long Positions { get; init; }

    /// <summary>H, the model's loss.</summary>
    public required double CleanLoss { get; init; }

    /// <summary>H_sae, the loss with x̂ in the place of x.</summary>
    public required double SplicedLoss { get; init; }

    /// <summary>H₀, the loss with 0 in the place of x.</summary>
    public required double ZeroLoss { get; init; }

    /// <summary>The loss with the mean of all counted values in the place of x.</summary>
    public required double MeanLoss { get; init; }

    /// <summary>KL(model ‖ with the dictionary), the mean over all positions.</summary>
    public required double KullbackLeibler { get; init; }

    /// <summary>L0, explained variance (x̄ is that of all counted values), shrinkage and so on, of the counted values.</summary>
    public required SaeMetrics Metrics { get; init; }

    /// <summary>H_sae − H.</summary>
    public double LossIncrease => SplicedLoss - CleanLoss;

    /// <summary>(H₀ − H_sae) / (H₀ − H): not comparable between sites.</summary>
    public double LossRecovered => (ZeroLoss - SplicedLoss) / (ZeroLoss - CleanLoss);

    /// <summary>The same with the mean in the place of 0.</summary>
    public double LossRecoveredFromMean => (MeanLoss - SplicedLoss) / (MeanLoss - CleanLoss);

    /// <summary>The features that are active nowhere.</summary>
    public IReadOnlyList<int> DeadFeatures => Features(frequency => frequency == 0);

    /// <summary>The features that are active, and at less than one of 10,000 positions.</summary>
    public IReadOnlyList<int> RareFeatures => Features(frequency => frequency is > 0 and < Rare);

    /// <summary>The features that are active at every tenth position, or more often.</summary>
    public IReadOnlyList<int> DenseFeatures => Features(frequency => frequency >= Dense);

    /// <summary>How many features are how often active, by half powers of ten, from the rarest on; dead ones are in none.</summary>
    public IReadOnlyList<FrequencyBin> Histogram
    {
        get
        {
            double[] logarithms = [.. Metrics.Frequencies.Where(frequency => frequency > 0).Select(Math.Log10)];
            if (logarithms.Length == 0)
                return [];
            int first = Math.Min((int)Math.Floor(2 * logarithms.Min()), -1);
            return [.. Enumerable.Range(first, -first).Select(half => new FrequencyBin(
                half / 2.0, (half + 1) / 2.0, logarithms.Count(one => Math.Min((int)Math.Floor(2 * one), -1) == half)))];
        }
    }

    /// <summary>Measures a dictionary in a model on a corpus, in two passes over it: the site's mean, then all else.</summary>
    /// <param name="model">The model.</param>
    /// <param name="corpus">The contexts; those without a token whose loss counts do not count.</param>
    /// <param name="sae">The dictionary.</param>
    /// <param name="site">The site that is encoded. Default: the one that the dictionary's file names.</param>
    /// <param name="options">Of a transcoder the site that is replaced; positions that are left out; how many contexts.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <exception cref="InterventionException">
    /// The model lacks a site, the dictionary does not say its site, or no position or no loss of the corpus counts.
    /// </exception>
    public static DictionaryEvaluation Of(
        HookedModel model, Corpus corpus, Sae sae, string? site = null, EvaluationOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(corpus);
        ArgumentNullException.ThrowIfNull(sae);
        site ??= sae.Config.Site ?? throw new InterventionException($"{sae} does not say its site: give it.");
        options ??= new();
        if (sae.Config.IsTranscoder != options.Target is not null)
            throw new InterventionException(sae.Config.IsTranscoder
                ? $"{sae} reconstructs another site: name it, {nameof(EvaluationOptions)}.{nameof(ActivationOptions.Target)}."
                : $"{sae} is no transcoder, and {nameof(EvaluationOptions)}.{nameof(ActivationOptions.Target)} names another site.");
        using EvaluationRuns runs = new(model, corpus, sae, site, options);
        return runs.Evaluate(cancellationToken);
    }

    /// <summary>Writes all numbers as CSV: <c>metric,feature,value</c>; the frequency of each feature is a row.</summary>
    /// <param name="path">The file. It appears under its name only when it is complete.</param>
    public void SaveCsv(string path) => Results.CsvFile.Write(
        path, ["metric", "feature", "value"],
        [
            .. Numbers().Select(number => (string[])[number.Name, "", Text(number.Value)]),
            .. Metrics.Frequencies.Select((frequency, feature) => (string[])["frequency", $"{feature}", Text(frequency)]),
        ]);

    /// <summary>Losses, then the features, then how many features are how often active: tables of at most 80 columns.</summary>
    public override string ToString()
    {
        string[] losses = ShortNumbers.Format([CleanLoss, SplicedLoss, MeanLoss, ZeroLoss]);
        string[] increases = ShortNumbers.Format([LossIncrease, MeanLoss - CleanLoss, ZeroLoss - CleanLoss], isSigned: true);
        TextTable inModel = new TextTable(new("site's value"), new("loss", true), new("increase", true), new("recovered", true))
            .Add("the model's", losses[0], "", "")
            .Add("the dictionary's", losses[1], increases[0], "")
            .Add("its mean", losses[2], increases[1], Percent(LossRecoveredFromMean))
            .Add("zero", losses[3], increases[2], Percent(LossRecovered));
        TextTable ofValues = new(new TextColumn("metric"), new TextColumn("value", true));
        foreach ((string name, double value) in Numbers().Skip(7))
            ofValues.Add(name, value.ToString("0.####", CultureInfo.InvariantCulture));
        string head = TextTable.Wrap(
            $"{Dictionary}{(Dictionary.EndsWith(Site, StringComparison.Ordinal) ? "" : $", in {Site}")}: "
            + $"{TextTable.Count(Contexts, "context")}, {TextTable.Count(Positions, "position")}; left out: {LeftOut}", 2);
        return $"{head}\n\n{inModel.Print()}\n{ofValues.Print()}\n{PrintedHistogram()}";

        static string Percent(double part) => part.ToString("0.0 %", CultureInfo.InvariantCulture);
    }

    private string PrintedHistogram()
    {
        const int Widest = 40;
        int most = Math.Max(1, Histogram.Select(bin => bin.Features).DefaultIfEmpty(0).Max());
        TextTable bins = new(new TextColumn("log10 of frequency"), new TextColumn("features", true), new TextColumn(""));
        foreach (FrequencyBin bin in Histogram)
            bins.Add(
                string.Create(CultureInfo.InvariantCulture, $"{bin.From,4:0.0} to {bin.To,4:0.0}"), $"{bin.Features}",
                new string('#', (int)Math.Ceiling((double)Widest * bin.Features / most)));
        return bins.Print();
    }

    private IEnumerable<(string Name, double Value)> Numbers() =>
    [
        ("loss", CleanLoss), ("loss with the dictionary", SplicedLoss), ("loss with zero", ZeroLoss), ("loss with the mean", MeanLoss),
        ("loss increase", LossIncrease), ("loss recovered", LossRecovered), ("loss recovered from the mean", LossRecoveredFromMean),
        ("KL", KullbackLeibler), ("L0", Metrics.L0), ("explained variance", Metrics.ExplainedVariance),
        ("squared error", Metrics.SquaredError), ("cosine", Metrics.CosineSimilarity),
        ("shrinkage (relative bias)", Metrics.RelativeBias), ("dead features", DeadFeatures.Count),
        ("rare features, below 0.0001", RareFeatures.Count), ("dense features, from 0.1 on", DenseFeatures.Count),
    ];

    private int[] Features(Func<double, bool> are) =>
        [.. Metrics.Frequencies.Index().Where(feature => are(feature.Item)).Select(feature => feature.Index)];

    private static string Text(double number) => number.ToString("R", CultureInfo.InvariantCulture);
}

/// <summary>How many features are active about as often as each other.</summary>
/// <param name="From">The logarithm, to base 10, of the least frequency.</param>
/// <param name="To">That of the frequency that is too large, but for 1.</param>
/// <param name="Features">How many features.</param>
public readonly record struct FrequencyBin(double From, double To, int Features);

/// <summary>How a dictionary is measured in a model.</summary>
public sealed record EvaluationOptions : ActivationOptions
{
    /// <summary>Options with the defaults; four contexts are computed together, since all logits of each exist at once.</summary>
    public EvaluationOptions() => BatchSize = 4;

    /// <summary>How many contexts of the corpus are measured, from its beginning. Default (<see langword="null"/>): all.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is less than one.</exception>
    public int? Contexts
    {
        get;
        init => field = value is null or > 0
            ? value
            : throw new ArgumentOutOfRangeException(nameof(Contexts), value, "At least one context is measured.");
    }

    /// <summary>
    /// The first token of a context whose loss counts: with 2, that of token 1, which the model predicts from token 0 alone, does not.
    /// Default: 1, every token behind another.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is less than one.</exception>
    public int FirstTarget
    {
        get;
        init => field = value > 0
            ? value
            : throw new ArgumentOutOfRangeException(
                nameof(FirstTarget), value, "Nothing predicts a context's first token, which is token 0.");
    } = 1;

    /// <summary>Receives the progress after every batch of contexts: contexts, of both passes together.</summary>
    public IProgress<RunProgress>? Progress { get; init; }
}
