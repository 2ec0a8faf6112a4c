using System.Diagnostics;
using Interventions.Graphs;
using Interventions.Sites;
using static TorchSharp.torch;

namespace Interventions.Benchmarks;

/// <summary>A model that tells where a run's time goes: the same graph, with a clock around the functions of nodes that cost products. It borrows the model.</summary>
internal sealed class TimedModel : HookedModel
{
    private readonly HookedModel _model;
    private double _productMilliseconds;

    public TimedModel(HookedModel model)
    {
        _model = model;
        ModelGraphBuilder builder = new();
        foreach (ModelNode node in model.Graph.Nodes)
        {
            if (!model.Graph.Costs.TryGetValue(node.Name, out NodeCost cost))
                builder.Add(node.Name, node.Definition, node.Detours);
            else
                builder.Costing(builder.Add(node.Name, Timed(node.Definition), [.. node.Detours.Select(detour => detour with { Definition = Timed(detour.Definition) })]), cost);
        }
        Graph = builder.Build(builder.Tokens with { Node = model.Graph.Output });
    }

    public override ModelSchema Schema => _model.Schema;

    public override ModelGraph Graph { get; }

    public override int? ContextLength => _model.ContextLength;

    public override int VocabularySize => _model.VocabularySize;

    public override Device Device => _model.Device;

    /// <summary>Which share of a run's time is spent in nodes that are matrix products, from 0 to 1; what they do beside that, such as adding a bias, counts too.</summary>
    public double ProductShare(Action<HookedModel> run)
    {
        Interleaved.Time(() => run(this));
        _productMilliseconds = 0;
        double total = Interleaved.Time(() => run(this));
        return _productMilliseconds / total;
    }

    protected override void Dispose(bool disposing)
    {
        // The model is borrowed.
    }

    private Definition Timed(Definition definition) => definition with
    {
        Compute = inputs =>
        {
            long start = Stopwatch.GetTimestamp();
            return Stop(start, definition.Compute(inputs));
        },
        Entries = definition.Entries is not { } entries ? null : (inputs, which) =>
        {
            long start = Stopwatch.GetTimestamp();
            return Stop(start, entries(inputs, which));
        },
        Piecewise = definition.Piecewise is not { } piecewise ? null : piecewise with
        {
            Compute = (own, pieces) =>
            {
                long start = Stopwatch.GetTimestamp();
                return Stop(start, piecewise.Compute(own, pieces));
            },
        },
    };

    private Tensor Stop(long start, Tensor value)
    {
        _productMilliseconds += Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        return value;
    }
}
