using System.Diagnostics;
using Interventions.ModelGraphs;

namespace Interventions.Benchmarks;

/// <summary>
/// Tells how much of a run's time is spent in nodes that are matrix products; what they do beside that, such as adding a bias, counts too.
/// </summary>
internal sealed class ProductClock
{
    private long _start;
    private double _milliseconds;

    public ProductClock(HookedModel model) => Model = new ObservedModel(model, _ => _start = Stopwatch.GetTimestamp(), node =>
    {
        if (model.Graph.Costs.ContainsKey(node))
            _milliseconds += Stopwatch.GetElapsedTime(_start).TotalMilliseconds;
    });

    /// <summary>The model to run.</summary>
    public HookedModel Model { get; }

    /// <summary>Their share of a run of <see cref="Model"/>, from 0 to 1.</summary>
    public double Share(Action run)
    {
        Interleaved.Time(run);
        _milliseconds = 0;
        double total = Interleaved.Time(run);
        return _milliseconds / total;
    }
}
