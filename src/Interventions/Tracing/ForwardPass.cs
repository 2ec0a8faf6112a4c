using Interventions.ModelGraphs;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tracing;

/// <summary>
/// A forward pass that stops between two nodes. It owns its values outside of any dispose scope: scopes and the grad mode belong to a
/// thread, and the caller may continue the pass on another thread.
/// </summary>
internal sealed class ForwardPass : IDisposable
{
    private readonly ModelGraph _graph;
    private readonly Dictionary<string, Tensor> _live = [];
    private readonly HashSet<string> _touched = [];
    private bool _isDifferentiated;

    public ForwardPass(ModelGraph graph, Tensor tokens)
    {
        _graph = graph;
        using DisposeScope scope = NewDisposeScope();
        _live[ModelGraph.Tokens] = tokens.alias().DetachFromDisposeScope();
        _live[ModelGraph.Positions] = range(0, tokens.shape[1], tokens.device).unsqueeze(0).expand(tokens.shape).DetachFromDisposeScope();
    }

    /// <summary>The value of a node; the first call computes it. The pass owns it.</summary>
    public Tensor Value(string name)
    {
        if (_live.TryGetValue(name, out Tensor? known))
            return known;
        Definition definition = _graph[name].DefinitionUnder(_touched);
        Tensor[] inputs = [.. definition.Inputs.Select(input => Value(input.Node))];
        // No value before the first leaf has a gradient.
        using IDisposable mode = set_grad_enabled(_isDifferentiated);
        using DisposeScope scope = NewDisposeScope();
        Tensor value = definition.Compute(inputs);
        // A node may return its input or a weight: the pass frees every value on its own, so each has a handle of its own.
        return _live[name] = (scope.Contains(value) ? value : value.alias()).DetachFromDisposeScope();
    }

    /// <summary>The value of a node that was computed already; <see langword="null"/> of any other.</summary>
    public Tensor? Known(string name) => _live.GetValueOrDefault(name);

    /// <summary>
    /// Replaces a value, from then on also on the ordinary path. The pass takes the new one out of its dispose scope, and owns it.
    /// </summary>
    public void Replace(string name, Tensor value)
    {
        if (_live.Remove(name, out Tensor? before))
            before.Dispose();
        _live[name] = value.DetachFromDisposeScope();
        _touched.Add(name);
        _isDifferentiated |= value.requires_grad;
    }

    /// <summary>Adds a zero to a value, and returns the zero: its gradient is that of the value. The caller owns it.</summary>
    public Tensor AddLeaf(string name)
    {
        Tensor value = Value(name);
        using IDisposable mode = enable_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor leaf = zeros_like(value).detach().requires_grad_();
        Replace(name, value.plus(leaf));
        return leaf.DetachFromDisposeScope();
    }

    /// <summary>Frees values after their last reader.</summary>
    public void Free(IEnumerable<string> names)
    {
        foreach (string name in names)
            if (_live.Remove(name, out Tensor? dead))
                dead.Dispose();
    }

    /// <summary>Frees everything.</summary>
    public void Dispose()
    {
        foreach (Tensor value in _live.Values)
            value.Dispose();
        _live.Clear();
    }
}
