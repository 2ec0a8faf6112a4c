using System.Collections.Immutable;
using Interventions.ModelGraphs;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>Where on the way between baseline and activations gradients are taken; of <c>m</c> steps, numbered from 0.</summary>
public enum WayRule
{
    /// <summary>(k + ½) / m: the most exact of the three.</summary>
    Midpoint,

    /// <summary>k / m, from the baseline on.</summary>
    Left,

    /// <summary>(k + 1) / m, up to the activations.</summary>
    Right,
}

/// <summary>What features are compared with, and how to run.</summary>
public sealed record FeatureAttributionOptions
{
    /// <summary>
    /// The run of the prompt set whose features stand for those that are taken away. Default: none, 0 stands for them.
    /// </summary>
    public string? From { get; init; }

    /// <summary>Batch size, memory budget, progress, the naive executor: nothing that changes a value.</summary>
    public RunOptions Run { get; init; } = new();
}

/// <summary>
/// What single features of a spliced dictionary do to a metric (Marks et al. 2024, arXiv:2403.19647): estimates by gradients, and exact
/// ablation. The error term is held constant; without it (<see cref="FeatureSite.ErrorTerm"/>) the spliced run is explained.
/// </summary>
public static class FeatureAttribution
{
    private const string Alpha = "alpha";

    /// <summary>How many points of an ablation's sweep are one run.</summary>
    private const int PointsAtOnce = 1024;

    /// <summary>
    /// Gradient · (activation − baseline). With <paramref name="steps"/> the gradient is its mean along the way between both (integrated
    /// gradients, Sundararajan et al. 2017, arXiv:1703.01365), whose sum over features tends to the metric's difference between the ends.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">The prompts; their first run is explained.</param>
    /// <param name="metric">A declaration with one metric and nothing else.</param>
    /// <param name="at">The dictionary and its site.</param>
    /// <param name="steps">At how many places gradients are taken. Default: at the activations alone.</param>
    /// <param name="rule">At which places.</param>
    /// <param name="options">The baseline, and how to run.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <exception cref="InterventionException">The declaration is not one metric, or the dictionary does not fit the site.</exception>
    public static FeatureEffects Of(
        HookedModel model,
        IPromptSet prompts,
        InterventionGraph metric,
        FeatureSite at,
        int? steps = null,
        WayRule rule = WayRule.Midpoint,
        FeatureAttributionOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        FeatureMeasurement measurement = FeatureMeasurement.Of(model, prompts, metric, at, options);
        if (steps is { } few)
            ArgumentOutOfRangeException.ThrowIfLessThan(few, 1, nameof(steps));
        string title = steps is { } count ? $"integrated gradients, {count} steps ({rule})" : "gradient · activation";
        double[] places = steps is { } many ? [.. Enumerable.Range(0, many).Select(k => PlaceOf(rule, k, many))] : [1];
        return Collected(measurement, title, places.Length, (group, tell) =>
        {
            using RunResult run = measurement.Run(measurement.Captured(), group, cancellationToken);
            Tensor? baselines = measurement.BaselinesOf(run);
            Tensor features = run.Changed(FeatureMeasurement.Activations).Values, sum = zeros_like(features);
            foreach (double place in places)
            {
                using RunResult gradients = measurement.Run(OnTheWay(measurement, place), group, cancellationToken);
                sum.plus_(gradients.Changed(FeatureMeasurement.Gradients).Values);
                tell(1);
            }
            Tensor moved = baselines is null ? features : features.sub(baselines);
            return (FeatureEffects.Entries(group, features, baselines, sum.over(places.Length).mul(moved)), Metrics(measurement, run));
        });
    }

    /// <summary>
    /// Exact: each feature that is active is set to its baseline at each of its positions alone, and all behind it is computed anew. Of a
    /// prompt, that is one sweep.
    /// </summary>
    /// <inheritdoc cref="Of"/>
    public static FeatureEffects Ablations(
        HookedModel model,
        IPromptSet prompts,
        InterventionGraph metric,
        FeatureSite at,
        FeatureAttributionOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        FeatureMeasurement measurement = FeatureMeasurement.Of(model, prompts, metric, at, options);
        return Collected(measurement, "ablation", 1, (group, tell) =>
        {
            using RunResult run = measurement.Run(measurement.Captured(), group, cancellationToken);
            double[] measured = Metrics(measurement, run);
            FeatureEffect[] active = [.. FeatureEffects.Entries(
                group, run.Changed(FeatureMeasurement.Activations).Values, measurement.BaselinesOf(run), null)];
            List<FeatureEffect> effects = [];
            foreach (FeatureEffect[] points in active.GroupBy(one => one.Prompt).SelectMany(prompt => prompt.Chunk(PointsAtOnce)))
            {
                double whole = measured[Array.IndexOf(group, points[0].Prompt)];
                double[] without = Without(measurement, points, cancellationToken);
                effects.AddRange(points.Zip(without, (point, value) => point with { Effect = whole - value }));
            }
            tell(1);
            return (effects, measured);
        });
    }

    /// <summary>
    /// What features add to the metric straight through the residual stream, past all later blocks: along their decoder rows, with the last
    /// norm's scale frozen. To first order where the metric is not linear in the logits; exact for a logit difference.
    /// </summary>
    /// <inheritdoc cref="Of"/>
    public static FeatureEffects Direct(
        HookedModel model,
        IPromptSet prompts,
        InterventionGraph metric,
        FeatureSite at,
        FeatureAttributionOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        FeatureMeasurement measurement = FeatureMeasurement.Of(model, prompts, metric, at, options);
        const string Scale = "ln_final.scale";
        int layers = model.Schema.SizeOf("layer") ?? throw new InterventionException($"{model.Schema.Model} has no layers.");
        InterventionGraph graph = measurement.Captured() with
        {
            Gradients = [new GradientNode(
                FeatureMeasurement.Gradients, $"blocks.{layers - 1}.resid_post", [new Read.Gradient()], x => x[0])],
            Writes = model.Schema.Sites.Any(site => site.Path == Scale) ? [BuiltInWrites.Freeze(Scale, from: null)] : [],
        };
        using Tensor directions = at.Directions();
        return Collected(measurement, "direct effect", 1, (group, tell) =>
        {
            using RunResult run = measurement.Run(graph, group, cancellationToken);
            Tensor? baselines = measurement.BaselinesOf(run);
            Tensor features = run.Changed(FeatureMeasurement.Activations).Values;
            Tensor along = run.Changed(FeatureMeasurement.Gradients).Values.to_type(directions.dtype).matmul(directions.t());
            tell(1);
            Tensor moved = baselines is null ? features : features.sub(baselines);
            return (FeatureEffects.Entries(group, features, baselines, moved.mul(along)), Metrics(measurement, run));
        });
    }

    /// <summary>The graph with the features somewhere on the way from their baselines to what they are, and the gradient there.</summary>
    private static InterventionGraph OnTheWay(FeatureMeasurement measurement, double place)
    {
        string site = measurement.At.Features;
        InterventionGraph graph = new()
        {
            Name = nameof(FeatureAttribution),
            Gradients = [new GradientNode(FeatureMeasurement.Gradients, site, [new Read.Gradient()], x => x[0])],
        };
        return place == 1 ? graph
            : measurement.Options.From is { } from
                ? graph.Then(new WriteNode(
                    Alpha, site, [new Read.Value(), new Read.From(from)], x => x[1].plus(x[0].sub(x[1]).times(place)))
                { Pointwise = true, Uncompared = true })
                : graph.Then(BuiltInWrites.Scale(site, place));
    }

    /// <summary>The metric of one prompt without each of some features.</summary>
    private static double[] Without(FeatureMeasurement measurement, FeatureEffect[] points, CancellationToken cancellationToken)
    {
        string site = $"{measurement.At.Features}[feature={{feature}}; pos={{pos}}]";
        InterventionGraph graph = new()
        {
            Name = nameof(FeatureAttribution),
            Sweeps = [SweepAxis.OfPoints("feature, pos", [.. points.Select(point => $"{point.Feature}.{point.Position}")])],
            Writes = [measurement.Options.From is { } from ? BuiltInWrites.Freeze(site, from) : BuiltInWrites.Zero(site)],
        };
        using DisposeScope scope = NewDisposeScope();
        using RunResult run = measurement.Run(graph, [points[0].Prompt], cancellationToken);
        return [.. run.Changed(measurement.Metric.Name).Values.to_type(ScalarType.Float64).reshape(-1).cpu().data<double>()];
    }

    /// <summary>The effects of all prompts, group by group.</summary>
    private static FeatureEffects Collected(
        FeatureMeasurement measurement, string title, int steps,
        Func<int[], Action<int>, (IEnumerable<FeatureEffect> Effects, double[] Measured)> ofGroup)
    {
        int[][] groups = [.. measurement.Groups()];
        int done = 0;
        List<FeatureEffect> effects = [];
        List<double> measured = [];
        foreach (int[] group in groups)
        {
            using DisposeScope scope = NewDisposeScope();
            (IEnumerable<FeatureEffect> some, double[] metrics) = ofGroup(group, Tell);
            effects.AddRange(some);
            measured.AddRange(metrics);
        }
        return new FeatureEffects(title, measurement.Metric.Name, [.. effects], [.. measured], measurement.Features)
        {
            Tokens = [.. measurement.Prompts.Prompts.Select(
                prompt => prompt.Runs[0].Ids.Select(id => TokenTexts.Of(measurement.Model, id)).ToImmutableArray())],
        };

        void Tell(int more) => measurement.Options.Run.Progress?.Report(new RunProgress(done += more, groups.Length * steps));
    }

    private static double[] Metrics(FeatureMeasurement measurement, RunResult run) =>
        [.. run.Changed(measurement.Metric.Name).Values.to_type(ScalarType.Float64).cpu().data<double>()];

    private static double PlaceOf(WayRule rule, int step, int steps) => rule switch
    {
        WayRule.Left => (double)step / steps,
        WayRule.Right => (step + 1.0) / steps,
        _ => (step + 0.5) / steps,
    };
}
