using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Interventions.ModelGraphs;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Binding;

/// <summary>
/// How a graph's values look, found by running one prompt of two and of three tokens: the axes that grow are positions. Nothing else says where an internal node has its positions.
/// </summary>
internal sealed class NodeShapes
{
    private static readonly ConditionalWeakTable<ModelGraph, NodeShapes> s_known = [];

    private readonly Dictionary<string, NodeShape> _shapes = [];
    private readonly Dictionary<Definition, long[]> _reshaped = new(ReferenceEqualityComparer.Instance);

    private NodeShapes(ModelGraph graph, Device device)
    {
        using IDisposable mode = no_grad();
        using DisposeScope scope = NewDisposeScope();
        string[] names = [.. graph.Nodes.Select(node => node.Name)];
        Dictionary<string, Tensor> two = GraphEvaluator.Evaluate(graph, zeros(1, 2, ScalarType.Int64, device), names);
        Dictionary<string, Tensor> three = GraphEvaluator.Evaluate(graph, zeros(1, 3, ScalarType.Int64, device), names);
        foreach (string name in names)
        {
            long[] small = two[name].shape, large = three[name].shape;
            ImmutableArray<int> growing = [.. Enumerable.Range(0, small.Length).Where(axis => large[axis] > small[axis])];
            if (growing.IsEmpty || small[0] != 1)
                throw new InterventionException(
                    $"Node '{name}' of the model graph has the shape [{string.Join(", ", small)}] for a batch of one prompt of two tokens; values have their batch first, and an axis of positions.");
            ImmutableArray<long> row = [.. Enumerable.Range(1, small.Length - 1).Where(axis => axis != growing[0]).Select(axis => growing.Contains(axis) ? -1 : small[axis])];
            _shapes[name] = new NodeShape(growing[0], row, two[name].dtype, row.Where(size => size > 0).Aggregate(two[name].ElementSize, (bytes, size) => bytes * size));
        }
        two[ModelGraph.Tokens] = zeros(1, 2, ScalarType.Int64, device);
        two[ModelGraph.Positions] = range(0, 2, device).unsqueeze(0);
        foreach (ModelNode node in graph.Nodes)
            foreach (Definition detour in node.Detours.Select(detour => detour.Definition))
                if (detour.Compute([.. detour.Inputs.Select(input => two[input.Node])]).shape is { } shape && !shape.AsSpan().SequenceEqual(two[node.Name].shape))
                    _reshaped[detour] = shape;
        _shapes[ModelGraph.Tokens] = _shapes[ModelGraph.Positions] = new NodeShape(1, [], ScalarType.Int64, sizeof(long));
    }

    public NodeShape this[string node] => _shapes[node];

    /// <summary>The shape that a detour gives its node, of two tokens, if it is not the ordinary one: a patched port gives every query head keys of its own.</summary>
    public long[]? Reshaped(Definition definition) => _reshaped.GetValueOrDefault(definition);

    /// <summary>The shapes of a graph; found once.</summary>
    public static NodeShapes Of(ModelGraph graph, Device device) => s_known.GetValue(graph, g => new NodeShapes(g, device));
}

/// <summary>How one node's value looks.</summary>
/// <param name="PositionAxis">The axis of own positions (queries).</param>
/// <param name="Row">The other axes' lengths, without the batch; -1 for seen positions (keys).</param>
/// <param name="Type">The type of an entry.</param>
/// <param name="Bytes">The bytes of one position (and one key).</param>
internal sealed record NodeShape(int PositionAxis, ImmutableArray<long> Row, ScalarType Type, long Bytes)
{
    /// <summary>Whether it has an axis of seen positions (keys) as well.</summary>
    public bool IsPair => Row.Contains(-1);

    /// <summary>Rows <c>[row, …]</c> whose keys are all those of the longest prompt; what is added is 0, and nobody reads it.</summary>
    public Tensor Pad(Tensor rows, int longest)
    {
        for (int axis = 0; axis < Row.Length; axis++)
        {
            if (Row[axis] >= 0 || rows.shape[axis + 1] == longest)
                continue;
            long[] missing = rows.shape;
            missing[axis + 1] = longest - missing[axis + 1];
            rows = cat([rows, zeros(missing, rows.dtype, rows.device)], axis + 1);
        }
        return rows;
    }

    /// <summary>Rows <c>[row, …]</c> of prompts of that many tokens, without the keys that they do not have.</summary>
    public Tensor Cut(Tensor rows, int length)
    {
        for (int axis = 0; axis < Row.Length; axis++)
            if (Row[axis] < 0 && rows.shape[axis + 1] > length)
                rows = rows.narrow(axis + 1, 0, length);
        return rows;
    }

    /// <summary>A row's axes, for prompts of that many tokens.</summary>
    public long[] RowShape(int length) => [.. Row.Select(size => size < 0 ? length : size)];
}
