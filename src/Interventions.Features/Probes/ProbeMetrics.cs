using System.Globalization;

namespace Interventions.Features;

/// <summary>How well scores tell two classes apart.</summary>
public sealed record ProbeMetrics
{
    /// <summary>The number of rows.</summary>
    public required int Count { get; init; }

    /// <summary>The share of rows on the right side of the threshold.</summary>
    public required double Accuracy { get; init; }

    /// <summary>Of the rows that are called positive, the share that is; 0 where none is called so.</summary>
    public required double Precision { get; init; }

    /// <summary>Of the positive rows, the share that is called so; 0 where there is none.</summary>
    public required double Recall { get; init; }

    /// <summary>The harmonic mean of precision and recall; 0 where both are.</summary>
    public required double F1 { get; init; }

    /// <summary>Matthews' correlation, from −1 to 1; 0 where a class, or a call, has no row.</summary>
    public required double Mcc { get; init; }

    /// <summary>How often a positive row has a higher score than another one, equal scores half; NaN where a class has no row.</summary>
    public required double RocAuc { get; init; }

    /// <summary>Σ (R_n − R_{n−1}) P_n over the thresholds, from the highest on; NaN where no row is positive.</summary>
    public required double AveragePrecision { get; init; }

    /// <summary>The area below precision over recall, by trapezoids from precision 1 at recall 0; NaN where no row is positive.</summary>
    public required double PrAuc { get; init; }

    /// <summary>Measures scores.</summary>
    /// <param name="scores">The scores.</param>
    /// <param name="labels">Whether each row is positive.</param>
    /// <param name="threshold">Rows of a higher score are called positive. Default: 0.</param>
    /// <exception cref="ArgumentException">There are more or fewer labels, no row, or a score is not a number.</exception>
    public static ProbeMetrics Of(IReadOnlyList<double> scores, IReadOnlyList<bool> labels, double threshold = 0)
    {
        ArgumentNullException.ThrowIfNull(scores);
        ArgumentNullException.ThrowIfNull(labels);
        if (scores.Count != labels.Count || scores.Count == 0)
            throw new ArgumentException($"There are {scores.Count} scores and {labels.Count} labels: one each is needed.", nameof(labels));
        if (scores.Any(double.IsNaN))
            throw new ArgumentException("A score is not a number.", nameof(scores));
        double right = 0, wrong = 0, missed = 0, refused = 0;
        foreach ((double score, bool label) in scores.Zip(labels))
            _ = (score > threshold, label) switch
            {
                (true, true) => right++,
                (true, false) => wrong++,
                (false, true) => missed++,
                _ => refused++,
            };
        (double roc, double average, double area) = Areas(scores, labels);
        double precision = Ratio(right, right + wrong), recall = Ratio(right, right + missed);
        return new ProbeMetrics
        {
            Count = scores.Count,
            Accuracy = (right + refused) / scores.Count,
            Precision = precision,
            Recall = recall,
            F1 = Ratio(2 * precision * recall, precision + recall),
            Mcc = Ratio(
                (right * refused) - (wrong * missed),
                Math.Sqrt((right + wrong) * (right + missed) * (refused + wrong) * (refused + missed))),
            RocAuc = roc,
            AveragePrecision = average,
            PrAuc = area,
        };
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Count} rows: accuracy {Accuracy:0.000}, precision {Precision:0.000}, recall {Recall:0.000}, F1 {F1:0.000}, MCC {Mcc:0.000}, "
        + $"ROC-AUC {RocAuc:0.000}, average precision {AveragePrecision:0.000}");

    private static double Ratio(double part, double whole) => whole == 0 ? 0 : part / whole;

    /// <summary>What is summed over thresholds, from the highest score on: rows of one score come together.</summary>
    private static (double Roc, double Average, double Area) Areas(IReadOnlyList<double> scores, IReadOnlyList<bool> labels)
    {
        double positives = labels.Count(label => label), negatives = labels.Count - positives;
        double right = 0, wrong = 0, pairs = 0, average = 0, area = 0, precision = 1;
        foreach (IGrouping<double, bool> tied in scores.Zip(labels)
            .GroupBy(row => row.First, row => row.Second).OrderByDescending(rows => rows.Key))
        {
            double newRight = tied.Count(label => label), newWrong = tied.Count() - newRight;
            pairs += newWrong * (right + (newRight / 2));
            (right, wrong) = (right + newRight, wrong + newWrong);
            double now = right / (right + wrong);
            average += newRight * now;
            area += newRight * (now + precision) / 2;
            precision = now;
        }
        return (pairs / (positives * negatives), average / positives, area / positives);
    }
}
