using System.Collections.Immutable;
using Interventions.ModelGraphs;
using Interventions.Results;
using Interventions.Runtime;
using Interventions.Tables;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>How a direction's ablation is compared with that of random ones.</summary>
public sealed record CausalCheckOptions
{
    /// <summary>How many random directions, at least 20. Default: 20.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is less than 20.</exception>
    public int RandomDirections
    {
        get;
        init => field = value >= 20
            ? value
            : throw new ArgumentOutOfRangeException(
                nameof(RandomDirections), value, "At least 20 are needed to tell a chance of one in 20.");
    } = 20;

    /// <summary>
    /// Prompts that have nothing to do with the question, on which the next token should hardly change: any run's names. Default: none.
    /// </summary>
    public IPromptSet? Unrelated { get; init; }

    /// <summary>The path that is written in unrelated prompts. Default: that of the others.</summary>
    public string? UnrelatedSite { get; init; }

    /// <summary>Equal seeds give equal random directions. Default: 0.</summary>
    public int Seed { get; init; }

    /// <summary>Batch size, memory budget, progress.</summary>
    public RunOptions Run { get; init; } = new();
}

/// <summary>
/// Does the model use a direction? The change of a metric where it is ablated, towards the values' mean, beside that of random directions.
/// These lie in the span of the values, x̄ + Σ g (x − x̄) with normal g, so that they vary where the values vary; and each is ablated by as
/// much more or less as makes the change as large as the direction's own, by its root mean square over the values.
/// </summary>
/// <param name="Metric">The name of the metric.</param>
/// <param name="Clean">The metric's mean without a write.</param>
/// <param name="Change">How the metric's mean changes where the direction is ablated.</param>
/// <param name="RandomChanges">How it changes with each random direction.</param>
/// <param name="Norm">The root mean square of what is taken away, in units of the values.</param>
/// <param name="Divergence">
/// KL(clean ‖ ablated) of the next token in nats, over all positions of unrelated prompts; null without such prompts.
/// </param>
/// <param name="RandomDivergences">The same of each random direction; none without unrelated prompts.</param>
public sealed record CausalCheck(
    string Metric, double Clean, double Change, ImmutableArray<double> RandomChanges, double Norm, double? Divergence,
    ImmutableArray<double> RandomDivergences)
{
    private const string Direction = "direction", Divergent = "KullbackLeibler";

    /// <summary>
    /// The chance that a random direction changes the metric as much: (1 + how many of them do) / (1 + how many there are).
    /// </summary>
    public double Chance => (1.0 + RandomChanges.Count(change => Math.Abs(change) >= Math.Abs(Change))) / (1 + RandomChanges.Length);

    /// <summary>How many times the random directions are ablated for a change of that norm, on the average: 1 would be once.</summary>
    public double RandomScale { get; private init; }

    /// <summary>Ablates a direction, and random ones.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">The prompts, of which the first run counts.</param>
    /// <param name="site">The path of the values, of one layer: <c>blocks.3.resid_post[pos=end]</c>.</param>
    /// <param name="direction">The direction, <c>[d]</c>, of any length: <see cref="Probe.Weight"/>.</param>
    /// <param name="metric">A declaration with one metric and nothing else.</param>
    /// <param name="options">How many random directions, unrelated prompts, how to run.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <exception cref="InterventionException">
    /// The path is none of the model's, the declaration is not one metric, or the values do not vary along the direction.
    /// </exception>
    /// <exception cref="ArgumentException">The direction has another width, or is 0.</exception>
    public static CausalCheck Of(
        HookedModel model, IPromptSet prompts, string site, Tensor direction, InterventionGraph metric, CausalCheckOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompts);
        ArgumentNullException.ThrowIfNull(direction);
        ArgumentNullException.ThrowIfNull(metric);
        options ??= new CausalCheckOptions();
        if (metric is not { Metrics: [MetricNode one], Writes: [], Splices: [], Captures: [], Gradients: [], Parameters: [] })
            throw new InterventionException(
                $"{metric.Name} is not one metric alone: give a declaration such as "
                + "Intervention.On(model).LogitDifference(\"correct\", \"wrong\").Graph.");
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        ImmutableArray<SiteRows> sites = SiteRows.Of(model, prompts, site, options.Run with { Progress = null }, cancellationToken);
        if (sites.Length != 1)
            throw new InterventionException($"{nameof(CausalCheck)}: '{site}' names {sites.Length} sites, and one is needed.");
        using SiteRows values = sites[0];
        (Tensor directions, Tensor scales, double norm) = Directions(values.Rows, direction, options);
        Tensor mean = values.Rows.mean([0L]);
        string clean = prompts.Vocabulary.Runs[0];
        using RunResult run = (Ablation(site, directions, scales, mean) with { Metrics = [one] })
            .Run(model, prompts, options.Run with { KeptRuns = [clean] }, cancellationToken);
        double before = run.Run(clean)[one.Name].to(ScalarType.Float64).mean().item<double>();
        double[] changes = [.. run[one.Name].Values.to(ScalarType.Float64).mean([1L]).Doubles().Select(after => after - before)];
        double[] divergences = options.Unrelated is { } unrelated
            ? Divergences(model, unrelated, Ablation(options.UnrelatedSite ?? site, directions, scales, mean), options, cancellationToken)
            : [];
        return new CausalCheck(
            one.Name, before, changes[0], [.. changes.Skip(1)], norm, divergences.Length > 0 ? divergences[0] : null,
            [.. divergences.Skip(1)])
        {
            RandomScale = scales.narrow(0, 1, options.RandomDirections).mean().item<double>(),
        };
    }

    /// <summary>The direction beside the random ones: changes of the metric, and divergence of unrelated text.</summary>
    public override string ToString()
    {
        double[] changes = [Change, RandomChanges.Average(), RandomChanges.MaxBy(Math.Abs)];
        double[]? divergences = Divergence is { } own ? [own, RandomDivergences.Average(), RandomDivergences.Max()] : null;
        string[] names = ["the direction", $"{RandomChanges.Length} random ones, mean", "random one, largest"];
        TextTable table = new(
        [
            new("ablated"), new($"change of {Metric}", true),
            .. divergences is null ? Array.Empty<TextColumn>() : [new("KL unrelated", true)],
        ]);
        string[] shown = ShortNumbers.Format(changes, isSigned: true);
        for (int i = 0; i < names.Length; i++)
            table.Add([names[i], shown[i], .. divergences is null ? Array.Empty<string>() : [ShortNumbers.Format(divergences)[i]]]);
        string title = FormattableString.Invariant(
            $"{Metric} {Clean:g4} clean; the change of values has a root mean square norm of {Norm:g4}, for which random directions are ")
            + FormattableString.Invariant($"ablated {RandomScale:0.0} times; chance {Chance:0.000} to change as much at random");
        return TextTable.Wrap(title, 2) + "\n" + table.Print();
    }

    /// <summary>
    /// The direction and the random ones, of norm 1, <c>[direction, d]</c>; by how much each is ablated, <c>[direction]</c>; and the norm
    /// of what that takes away.
    /// </summary>
    private static (Tensor Directions, Tensor Scales, double Norm) Directions(Tensor rows, Tensor direction, CausalCheckOptions options)
    {
        Tensor own = direction.detach().to(ScalarType.Float64).cpu();
        double length = own.dim() == 1 && own.shape[0] == rows.shape[1] ? own.norm().item<double>() : throw new ArgumentException(
            $"The direction is {Shapes.Describe(direction)}, and the values are {rows.shape[1]} wide.", nameof(direction));
        if (length == 0)
            throw new ArgumentException("The direction is 0.", nameof(direction));
        using Generator generator = new(unchecked((ulong)options.Seed), CPU);
        Tensor centred = rows.sub(rows.mean([0L]));
        Tensor random = randn([options.RandomDirections, rows.shape[0]], ScalarType.Float64, CPU, generator: generator).matmul(centred);
        Tensor all = cat([own.over(length).unsqueeze(0), random.div(random.norm(-1, keepdim: true))], 0);
        Tensor sizes = centred.matmul(all.t()).squared().mean([0L]).sqrt();
        double norm = sizes[0].item<double>();
        return norm > 1e-9 * centred.norm().item<double>() / Math.Sqrt(rows.shape[0])
            ? (all, sizes.reciprocal().times(norm), norm)
            : throw new InterventionException(
                $"{nameof(CausalCheck)}: the {rows.shape[0]} values do not vary along the direction, so its ablation changes nothing.");
    }

    /// <summary>Sweeps the directions: x − scale ((x − m) · u) u.</summary>
    private static InterventionGraph Ablation(string site, Tensor directions, Tensor scales, Tensor mean) => new()
    {
        Name = nameof(CausalCheck),
        Sweeps = [SweepAxis.OfNumbers(Direction, [.. Enumerable.Range(0, (int)directions.shape[0]).Select(i => (double)i)])],
        Writes =
        [
            new WriteNode(nameof(Ablation), site, [new Read.Value(), new Read.Swept(Direction)], x =>
            {
                long place = (long)x[1].item<double>();
                Tensor u = directions[place].to(x[0].dtype).to(x[0].device), m = mean.to(x[0].dtype).to(x[0].device);
                Tensor along = x[0].sub(m).matmul(u).unsqueeze(-1);
                return x[0].sub(along.mul(u).times(scales[place].item<double>()));
            })
            {
                Pointwise = true,
            },
        ],
        IsUnanalyzed = true,
    };

    private static double[] Divergences(
        HookedModel model, IPromptSet unrelated, InterventionGraph ablation, CausalCheckOptions options,
        CancellationToken cancellationToken)
    {
        const string Logits = "logits";
        InterventionGraph graph = ablation with
        {
            Metrics =
            [
                new MetricNode(Divergent, [new Read.Of(Logits), new Read.From(unrelated.Vocabulary.Runs[0], Logits)], x =>
                {
                    (long batch, long positions) = (x[0].shape[0], x[0].shape[1]);
                    return Metrics.KullbackLeibler(x[0].flatten(0, 1), x[1].flatten(0, 1)).view(batch, positions).mean([1L]);
                }),
            ],
        };
        using RunResult run = graph.Run(model, unrelated, options.Run with { Progress = null, KeptRuns = [] }, cancellationToken);
        return run[Divergent].Values.to(ScalarType.Float64).mean([1L]).Doubles();
    }
}
