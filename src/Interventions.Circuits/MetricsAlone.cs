using Interventions.Runtime;

namespace Interventions.Circuits;

/// <summary>Declarations that only measure.</summary>
internal static class MetricsAlone
{
    /// <summary>The declaration, to which writes are added.</summary>
    /// <exception cref="InterventionException">It has no metric, writes, or keeps more.</exception>
    public static InterventionGraph Of(InterventionGraph metric)
    {
        ArgumentNullException.ThrowIfNull(metric);
        Check(metric, metric.Metrics.IsEmpty ? "has no metric" : null, "metrics");
        return metric with { IsUnanalyzed = true };
    }

    /// <summary>The declaration's one metric.</summary>
    /// <exception cref="InterventionException">It has none or several, writes, or keeps more.</exception>
    public static MetricNode One(InterventionGraph metric)
    {
        ArgumentNullException.ThrowIfNull(metric);
        int count = metric.Metrics.Length;
        Check(metric, count != 1 ? $"has {count} metrics, and one is needed" : null, "a metric");
        return metric.Metrics[0];
    }

    /// <summary>What was found of a metric.</summary>
    /// <exception cref="ArgumentException">It was not measured.</exception>
    public static T Of<T>(IReadOnlyDictionary<string, T> values, string metric) => values.TryGetValue(metric, out T? found)
        ? found
        : throw new ArgumentException($"There is no metric '{metric}'; there is {string.Join(", ", values.Keys)}.", nameof(metric));

    private static void Check(InterventionGraph metric, string? problem, string kept)
    {
        problem ??=
            metric is not { Writes: [], Splices: [], Runs: [], Changes: null } ? "writes, and a metric only measures"
            : metric is not { Captures: [], Gradients: [], Parameters: [] } ? $"keeps more than {kept}"
            : null;
        if (problem is not null)
            throw new InterventionException(
                $"{metric.Name} {problem}: give a declaration such as "
                + "Intervention.On(model).LogitDifference(\"correct\", \"wrong\").Graph.");
    }
}
