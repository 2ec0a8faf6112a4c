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

    /// <summary>A circuit's place on the scale.</summary>
    /// <exception cref="InterventionException">Both ends are equal, or the circuit is one of another model.</exception>
    public double Of(Circuit circuit)
    {
        using DisposeScope scope = NewDisposeScope();
        using RunResult run = Run(circuit);
        Notes = [.. Notes.Union(run.Layout.Notes)];
        (double none, double whole) = _ends ??= Ends(run, circuit);
        return (Changed(run) - none) / (whole - none);
    }

    private (double None, double Whole) Ends(RunResult run, Circuit circuit)
    {
        string name = measurement.Metric.Name;
        double whole = Mean(run.Run(measurement.Clean)[name]), none = Nothing();
        return whole != none
            ? (none, whole)
            : throw new InterventionException($"{name} is {whole} with and without all edges, so there is nothing to be faithful to.");

        // Without edges, every port reads what it would in the other run.
        double Nothing()
        {
            if (measurement.Options.Ablation == Ablation.OtherRun)
                return Mean(run.Run(measurement.Options.From)[name]);
            if (circuit.Count == 0)
                return Changed(run);
            using RunResult without = Run(Circuit.None(circuit.Graph));
            return Changed(without);
        }
    }

    private RunResult Run(Circuit circuit) =>
        measurement.Run(circuit.ToIntervention(measurement.Model, measurement.Options), cancellationToken);

    private double Changed(RunResult run) => Mean(run.Changed(measurement.Metric.Name).Values);

    private static double Mean(Tensor values) => values.to(ScalarType.Float64).mean().item<double>();
}
