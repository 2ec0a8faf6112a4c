using System.Collections.Immutable;
using Interventions.Files;
using Interventions.ModelGraphs;
using Interventions.Results;
using Interventions.Runtime;
using Interventions.Tables;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits;

/// <summary>What the constants of an optimal ablation are best for, and how they are searched.</summary>
public sealed record OptimalAblationOptions
{
    /// <summary>
    /// Whether the metric's mean is to be as large as possible. Default: as small as possible, as a loss or divergence is to be.
    /// </summary>
    public bool Maximizes { get; init; }

    /// <summary>How many steps the search takes at most, each of one or a few gradients over all prompts. Default: 100.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is less than one.</exception>
    public int Iterations
    {
        get;
        init => field = value > 0
            ? value
            : throw new ArgumentOutOfRangeException(nameof(Iterations), value, "A search takes at least one step.");
    } = 100;

    /// <summary>Batch size and memory budget of each gradient. Its progress is that of the search, in steps.</summary>
    public RunOptions Run { get; init; } = new();
}

/// <summary>
/// Optimal ablation (Li and Janson 2024, arXiv:2409.09951): what components write is a constant each, the same in all prompts and at all
/// selected positions, of all constants those with which the model does best on a prompt set. So what is lost without the components is no
/// more than what any constant loses, 0 and means among them: it is what their dependence on the prompt is worth.
/// </summary>
public sealed class OptimalAblation
{
    private readonly ImmutableArray<Constants> _constants;

    private OptimalAblation(Knockout knockout, string metric, ImmutableArray<Constants> constants) =>
        (Knockout, Metric, _constants) = (knockout, metric, constants);

    /// <summary>The components.</summary>
    public Knockout Knockout { get; }

    /// <summary>The name of the metric.</summary>
    public string Metric { get; }

    /// <summary>The metric's mean over the prompts without a knockout.</summary>
    public double Clean { get; private init; }

    /// <summary>The metric's mean over the prompts with the constants.</summary>
    public double Value { get; private init; }

    /// <summary>How many steps the search took.</summary>
    public int Iterations { get; private init; }

    /// <summary>
    /// Whether the search ended at constants from which no step led further. Otherwise it came to its limit: there are better ones, or,
    /// of a metric without bound, none that are best.
    /// </summary>
    public bool IsConverged { get; private init; }

    /// <summary>Learns the constants, from the components' means on.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">The prompts; the first run is the one that is measured.</param>
    /// <param name="metric">A declaration with one metric and nothing else, such as a loss, or a divergence from the clean run.</param>
    /// <param name="knockout">The components, and where they are knocked out.</param>
    /// <param name="options">Whether the metric is to be large or small, and how constants are searched.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <exception cref="InterventionException">
    /// The model lacks a component, the declaration is not one metric, or a name is not in the prompt set.
    /// </exception>
    public static OptimalAblation Of(
        HookedModel model,
        IPromptSet prompts,
        InterventionGraph metric,
        Knockout knockout,
        OptimalAblationOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(knockout);
        options ??= new OptimalAblationOptions();
        // Steps are reported, not what is inside them; nothing is replaced.
        Measurement measurement = Measurement.Of(
            model, prompts, metric, new() { Ablation = Ablation.Zero, Run = options.Run with { Progress = null } });
        ImmutableArray<KnockedOut> parts = KnockedOut.Of(model, knockout);
        (double clean, double[][] means, ScalarType type) = Means(measurement, parts, cancellationToken);
        double sign = options.Maximizes ? -1 : 1;
        Minimum best = Minimizer.Of(
            Measured, [.. means.SelectMany(mean => mean)], options.Iterations, type == ScalarType.Float64 ? 1e-13 : 1e-6,
            step => options.Run.Progress?.Report(new RunProgress(step, options.Iterations)));
        return new OptimalAblation(
            knockout, measurement.Metric.Name, [.. parts.Zip(Parted(best.Place), (part, values) => new Constants(part, values))])
        {
            Clean = clean,
            Value = sign * best.Value,
            Iterations = best.Iterations,
            IsConverged = best.IsConverged,
        };

        // The metric's mean and gradient with some constants.
        (double Value, double[] Gradient) Measured(double[] place)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor[] constants = [.. parts.Zip(Parted(place), (part, values) =>
                OfPart(part, values, model.Device).to(type == ScalarType.Float64 ? type : ScalarType.Float32).requires_grad_())];
            using RunResult run = measurement.Run(
                new InterventionGraph
                {
                    Name = nameof(OptimalAblation),
                    Writes = [.. parts.Zip(constants, (part, constant) => new WriteNode(
                        part.Name, part.Path, [new Read.Along(constant, Axes(part))], x => x[0].to(type)) { Pointwise = true })],
                    Parameters = [.. parts.Zip(constants, (part, constant) => new ParameterNode(part.Name, constant))],
                },
                cancellationToken);
            return (
                sign * measurement.MeanOf(run),
                [.. parts.SelectMany(part => run.Gradient(part.Name).Doubles()).Select(number => sign * number / prompts.Prompts.Count)]);
        }

        double[][] Parted(double[] all)
        {
            int next = 0;
            return [.. means.Select(mean => all[next..(next += mean.Length)])];
        }
    }

    /// <summary>The constant that stands for what a component writes: of a head <c>[d_head]</c>, otherwise <c>[d_model]</c>.</summary>
    /// <exception cref="ArgumentException">The component is not knocked out.</exception>
    public IReadOnlyList<double> ConstantOf(Component component)
    {
        foreach ((KnockedOut part, double[] values) in _constants)
            if (part.Components.IndexOf(component) is >= 0 and int place)
            {
                int width = values.Length / part.Components.Length;
                return values[(place * width)..((place + 1) * width)];
            }
        throw new ArgumentException($"'{component}' is not one of {Knockout}.", nameof(component));
    }

    /// <summary>The ablation as an intervention. It measures nothing: include it, or see <see cref="Run"/>.</summary>
    public InterventionGraph ToIntervention() => new()
    {
        Name = nameof(OptimalAblation),
        Writes = [.. _constants.Select(one => new WriteNode(
            one.Part.Name, one.Part.Path, [new Read.Value()], x => OfPart(one.Part, one.Values, x[0].device).to(x[0].dtype))
            {
                Pointwise = true,
            })],
    };

    /// <summary>Measures the ablation, best on prompts that it was not learned on.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">The prompts.</param>
    /// <param name="metric">A declaration with one metric and nothing else.</param>
    /// <param name="options">How to run.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <exception cref="InterventionException">The model lacks a component, or the declaration is not one metric.</exception>
    public RunResult Run(
        HookedModel model,
        IPromptSet prompts,
        InterventionGraph metric,
        RunOptions? options = null,
        CancellationToken cancellationToken = default) =>
        Measurement.Of(model, prompts, metric, new() { Ablation = Ablation.Zero, Run = options ?? new RunOptions() })
            .Run(ToIntervention(), cancellationToken);

    /// <summary>Reads what <see cref="ToJson"/> wrote.</summary>
    /// <exception cref="InterventionException">The text is no optimal ablation.</exception>
    public static OptimalAblation FromJson(string json) =>
        StoredJson.Read(json, "This is no optimal ablation", fields => Fields(fields, null));

    /// <summary>What was knocked out, the metric, and the constants.</summary>
    public string ToJson() => JsonFields.Write(fields => Fields(fields, this), isIndented: true);

    /// <summary>What was knocked out, and the metric before and after.</summary>
    public override string ToString()
    {
        string[] numbers = ShortNumbers.Format([Clean, Value]);
        string end = IsConverged ? "" : ", and it could be better still";
        return TextTable.Wrap(
            $"{Knockout}: {Metric} {numbers[0]} clean, {numbers[1]} with the best constants, after "
            + $"{TextTable.Count(Iterations, "step")}{end}", 2) + "\n";
    }

    private static OptimalAblation Fields(JsonFields fields, OptimalAblation? known)
    {
        string knockout = fields.Text("knockout", known?.Knockout.ToString()), metric = fields.Text("metric", known?.Metric);
        double clean = fields.Number("clean", known?.Clean), value = fields.Number("value", known?.Value);
        int iterations = fields.Integer("iterations", known?.Iterations);
        bool isConverged = fields.Truth("isConverged", known?.IsConverged);
        ImmutableArray<Constants> constants = fields.List("constants", known?._constants ?? default, Constants.Fields);
        return known ?? new OptimalAblation(Knockout.Parse(knockout), metric, constants)
        {
            Clean = clean,
            Value = value,
            Iterations = iterations,
            IsConverged = isConverged,
        };
    }

    /// <summary>The metric's clean mean; of each part, the mean of what it writes; and the type of these values.</summary>
    private static (double Clean, double[][] Means, ScalarType Type) Means(
        Measurement measurement, ImmutableArray<KnockedOut> parts, CancellationToken cancellationToken)
    {
        using DisposeScope scope = NewDisposeScope();
        using RunResult run = measurement.Run(
            new InterventionGraph
            {
                Name = nameof(OptimalAblation),
                Captures = [.. parts.Select(part => new CaptureNode(part.Name, part.Path, [new Read.Value()], x => x[0].mean([1L])))],
            },
            cancellationToken);
        IReadOnlyDictionary<string, Tensor> clean = run.Run(measurement.Clean);
        return (
            clean[measurement.Metric.Name].to(ScalarType.Float64).mean().item<double>(),
            [.. parts.Select(part => clean[part.Name].to(ScalarType.Float64).mean([0L]).Doubles())],
            clean[parts[0].Name].dtype);
    }

    private static EquatableArray<string> Axes(KnockedOut part) =>
        part.AreHeads ? EquatableArray.Of("head", "d_head") : EquatableArray.Of("d_model");

    /// <summary>The constants of a part: <c>[head, d_head]</c> or <c>[d_model]</c>.</summary>
    private static Tensor OfPart(KnockedOut part, double[] values, Device device)
    {
        Tensor all = tensor(values, device: device);
        return part.AreHeads ? all.view(part.Components.Length, -1) : all;
    }

    private sealed record Constants(KnockedOut Part, double[] Values)
    {
        public static Constants Fields(JsonFields fields, Constants? known)
        {
            KnockedOut? part = known?.Part;
            part = new KnockedOut(
                fields.Text("name", part?.Name), fields.Text("site", part?.Site),
                [.. fields.Texts("components", part is null ? default : [.. part.Components.Select(component => $"{component}")])
                    .Select(Component.Parse)],
                fields.OptionalText("at", part?.At));
            double[] values = [.. fields.Numbers("values", known is null ? default : [.. known.Values])];
            return part.Components.Length > 0 && values.Length > 0 && values.Length % part.Components.Length == 0
                ? new Constants(part, values)
                : throw fields.Wrong($"there are {values.Length} values for {part.Components.Length} components");
        }
    }
}
