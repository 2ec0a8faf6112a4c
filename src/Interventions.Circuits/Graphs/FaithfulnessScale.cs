using System.Collections.Immutable;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits;

/// <summary>
/// Measures circuits on the way from no edges to the whole model: see <see cref="Circuit.Faithfulness"/>. Both ends are measured once.
/// </summary>
internal sealed class FaithfulnessScale(Measurement measurement, CancellationToken cancellationToken)
{
    private (double None, double Whole)? _ends;

    /// <summary>What may be a slip in the prompts, once a circuit is measured.</summary>
    public ImmutableArray<string> Notes { get; private set; } = [];

    /// <summary>Where a circuit's mean lies between that of nothing, 0, and that of the whole model, 1.</summary>
    /// <param name="metric">The name of the metric.</param>
    /// <param name="circuit">The metric's mean of the circuit.</param>
    /// <param name="none">That without anything.</param>
    /// <param name="whole">That of the model.</param>
    /// <param name="things">What circuits are made of.</param>
    /// <exception cref="InterventionException">Both ends are equal.</exception>
    public static double Place(string metric, double circuit, double none, double whole, string things) => whole != none
        ? (circuit - none) / (whole - none)
        : throw new InterventionException($"{metric} is {whole} with and without all {things}, so there is nothing to be faithful to.");

    /// <summary>A circuit's place on the scale.</summary>
    /// <exception cref="InterventionException">Both ends are equal, or the circuit is one of another model.</exception>
    public double Of(Circuit circuit)
    {
        using DisposeScope scope = NewDisposeScope();
        using RunResult run = Run(circuit);
        Notes = [.. Notes.Union(run.Layout.Notes)];
        (double none, double whole) = _ends ??= Ends(run, circuit);
        return Place(measurement.Metric.Name, measurement.MeanOf(run), none, whole, "edges");
    }

    private (double None, double Whole) Ends(RunResult run, Circuit circuit)
    {
        return (Nothing(), OfRun(measurement.Clean));

        // Without edges, every port reads what it would in the other run.
        double Nothing()
        {
            if (measurement.Options.Ablation == Ablation.OtherRun)
                return OfRun(measurement.Options.From);
            if (circuit.Count == 0)
                return measurement.MeanOf(run);
            using RunResult without = Run(Circuit.None(circuit.Graph));
            return measurement.MeanOf(without);
        }

        double OfRun(string name) => run.Run(name)[measurement.Metric.Name].to(ScalarType.Float64).mean().item<double>();
    }

    private RunResult Run(Circuit circuit) =>
        measurement.Run(circuit.ToIntervention(measurement.Model, measurement.Options), cancellationToken);
}
