using System.Collections.Immutable;
using Interventions.ModelGraphs;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits;

/// <summary>
/// Knocks out components, alone or together: what they write is another run's value, 0, or a mean over prompts, as
/// <see cref="CircuitOptions"/> say; for a constant that is learned see <see cref="OptimalAblation"/>.
/// </summary>
public static class Knockouts
{
    /// <summary>The placeholder of a sweep over sets of components.</summary>
    private const string Number = "knockout";

    /// <summary>Measures knockouts, each in a changed run of its own.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">The prompts; the first run is the clean one.</param>
    /// <param name="metric">A declaration with one metric and nothing else.</param>
    /// <param name="knockouts">The knockouts, one at least.</param>
    /// <param name="options">What stands for what components write, and how to run.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <exception cref="ArgumentException">There is no knockout.</exception>
    /// <exception cref="InterventionException">
    /// The model lacks a component, the declaration is not one metric, or a name is not in the prompt set.
    /// </exception>
    public static KnockoutEffects Of(
        HookedModel model,
        IPromptSet prompts,
        InterventionGraph metric,
        IEnumerable<Knockout> knockouts,
        CircuitOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(knockouts);
        Measurement measurement = Measurement.Of(model, prompts, metric, options);
        Knockout[] all = [.. knockouts];
        if (all.Length == 0)
            throw new ArgumentException("There is no knockout to measure.", nameof(knockouts));
        double[][] values = new double[all.Length][];
        double[] clean = [];
        ImmutableArray<string> notes = [];
        // Those of single heads or blocks differ in what a placeholder goes through; sets are a sweep of their own.
        int[][] sweeps = [.. Enumerable.Range(0, all.Length)
            .GroupBy(i => (all[i].At, all[i].Components is [var single] ? single.Kind : (ComponentKind?)null))
            .Select(alike => alike.ToArray())];
        foreach ((int sweep, int[] places) in sweeps.Index())
        {
            using DisposeScope scope = NewDisposeScope();
            using RunResult run = measurement.OfPart(sweep, sweeps.Length)
                .Run(Sweep(measurement, [.. places.Select(i => all[i])]), cancellationToken);
            clean = run.Run(measurement.Clean)[measurement.Metric.Name].Doubles();
            double[] found = run.Changed(measurement.Metric.Name).Values.Doubles();
            foreach ((int number, int place) in places.Index())
                values[place] = found[(number * clean.Length)..((number + 1) * clean.Length)];
            notes = run.Layout.Notes;
        }
        return new KnockoutEffects(measurement.Metric.Name, [.. all], values, clean) { Warnings = notes };
    }

    /// <summary>Measures the knockout of every head and every feed-forward block alone: a planned sweep of each.</summary>
    /// <inheritdoc cref="Of"/>
    /// <param name="model">The model.</param>
    /// <param name="prompts">The prompts; the first run is the clean one.</param>
    /// <param name="metric">A declaration with one metric and nothing else.</param>
    /// <param name="at">The positions, as they stand behind <c>pos=</c> in a site path; all unless they are given.</param>
    /// <param name="options">What stands for what components write, and how to run.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    public static KnockoutEffects OfEach(
        HookedModel model,
        IPromptSet prompts,
        InterventionGraph metric,
        string? at = null,
        CircuitOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        NodeSites sites = NodeSites.Of(model);
        IEnumerable<Component> components = Enumerable.Range(0, sites.Layers).SelectMany(layer => (IEnumerable<Component>)
        [
            .. Enumerable.Range(0, sites.Heads).Select(head => Component.OfHead(layer, head)),
            .. sites.HasMlps ? [Component.OfMlp(layer)] : Array.Empty<Component>(),
        ]);
        return Of(
            model, prompts, metric, components.Select(component => new Knockout([component], at)), options, cancellationToken);
    }

    /// <summary>
    /// A knockout as an intervention. It measures nothing: include it, <c>.Include("out", Knockouts.ToIntervention(…))</c>.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="knockout">The components.</param>
    /// <param name="options">What stands for what they write.</param>
    public static InterventionGraph ToIntervention(HookedModel model, Knockout knockout, CircuitOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(knockout);
        options ??= new CircuitOptions();
        options.Check();
        return new InterventionGraph
        {
            Name = nameof(Knockouts),
            Writes = [.. KnockedOut.Of(model, knockout).Select(part => Write(part.Name, part.Path, options))],
        };
    }

    private static InterventionGraph Sweep(Measurement measurement, Knockout[] knockouts)
    {
        if (knockouts is [var one])
            return ToIntervention(measurement.Model, one, measurement.Options);
        string? at = knockouts[0].At;
        return (knockouts[0].Components is [var single] ? single.Kind : (ComponentKind?)null) switch
        {
            ComponentKind.Head => new InterventionGraph
            {
                Name = nameof(Knockouts),
                Sweeps = [SweepAxis.OfPoints("layer, head", [.. knockouts.Select(one => Place(one.Components[0]))])],
                Writes = [Write("Head", NodeSites.Selected("blocks.{layer}.attn.z", "head={head}", at), measurement.Options)],
            },
            ComponentKind.Mlp => new InterventionGraph
            {
                Name = nameof(Knockouts),
                Sweeps = [SweepAxis.OfNumbers("layer", [.. knockouts.Select(one => (double)one.Components[0].Layer)])],
                Writes = [Write("Mlp", NodeSites.Selected("blocks.{layer}.mlp_out", null, at), measurement.Options)],
            },
            _ => new InterventionGraph
            {
                Name = nameof(Knockouts),
                Sweeps = [SweepAxis.OfNumbers(Number, [.. Enumerable.Range(0, knockouts.Length).Select(i => (double)i)])],
                Writes =
                [
                    .. KnockedOut.Of(measurement.Model, new Knockout(knockouts.SelectMany(one => one.Components).Distinct(), at))
                        .Select(part => SweptWrite(part, knockouts, measurement.Options)),
                ],
            },
        };

        static string Place(Component head) => FormattableString.Invariant($"{head.Layer}.{head.Head}");
    }

    /// <summary>What stands for selected values, by the options.</summary>
    internal static WriteNode Write(string name, string path, CircuitOptions options) =>
        options.Replacement() is [var read]
            ? new WriteNode(name, path, [read], x => x[0]) { Pointwise = true }
            : BuiltInWrites.Zero(path) with { Name = name };

    /// <summary>Of the selected components, those that the knockout at which the sweep stands has.</summary>
    private static WriteNode SweptWrite(KnockedOut part, Knockout[] knockouts, CircuitOptions options)
    {
        bool[][] isOut = [.. knockouts.Select(one => part.Components.Select(component => one.Components.Contains(component)).ToArray())];
        return new WriteNode(part.Name, part.Path, [new Read.Value(), new Read.Swept(Number), .. options.Replacement()],
            x => KnockedOut.Mixed(isOut[(int)x[1].item<double>()], x[0], x.Length == 2 ? null : x[2]))
        {
            Pointwise = true,
        };
    }
}
