using Interventions.ModelGraphs;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tracing;

/// <summary>
/// A forward pass that stands still between two nodes. Its values are held by itself, in no dispose scope: scopes and the grad mode belong to a thread, and the caller may do anything
/// between two calls, also continue on another thread.
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

    /// <summary>The value of a node, which is computed where it is not there yet. The pass keeps it.</summary>
    public Tensor Value(string name)
    {
        if (_live.TryGetValue(name, out Tensor? known))
            return known;
        Definition definition = _graph[name].DefinitionUnder(_touched);
        Tensor[] inputs = [.. definition.Inputs.Select(input => Value(input.Node))];
        // Upstream of the first gradient nothing needs a graph.
        using IDisposable mode = set_grad_enabled(_isDifferentiated);
        using DisposeScope scope = NewDisposeScope();
        Tensor value = definition.Compute(inputs);
        // An input or a weight that is passed through must not share its handle: each is freed on its own.
        return _live[name] = (scope.Contains(value) ? value : value.alias()).DetachFromDisposeScope();
    }

    /// <summary>Overwrites a value, which the pass takes over, out of any dispose scope; from then on the ordinary path leads through it.</summary>
    public void Replace(string name, Tensor value)
    {
        if (_live.Remove(name, out Tensor? before))
            before.Dispose();
        _live[name] = value.DetachFromDisposeScope();
        _touched.Add(name);
        _isDifferentiated |= value.requires_grad;
    }

    /// <summary>Adds a zero to a value and returns it: the gradient with respect to it is the gradient with respect to the value. The caller owns it.</summary>
    public Tensor AddLeaf(string name)
    {
        Tensor value = Value(name);
        using IDisposable mode = enable_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor leaf = zeros_like(value).detach().requires_grad_();
        Replace(name, value.plus(leaf));
        return leaf.DetachFromDisposeScope();
    }

    /// <summary>Frees values that nothing reads any more.</summary>
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
