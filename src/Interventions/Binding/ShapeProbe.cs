using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Interventions.ModelGraphs;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Binding;

/// <summary>
/// Computes a graph for one prompt of two tokens, and again for one of three: an axis that grew counts positions. Two passes are needed,
/// since no definition says which axes of a value those are.
/// </summary>
internal static class ShapeProbe
{
    private static readonly ConditionalWeakTable<ModelGraph, NodeShapes> s_known = [];

    /// <summary>The shapes of a graph's values. They are kept as long as the graph lives.</summary>
    public static NodeShapes Of(ModelGraph graph, Device device) => s_known.GetValue(graph, g => Run(g, device));

    private static NodeShapes Run(ModelGraph graph, Device device)
    {
        using IDisposable mode = no_grad();
        using DisposeScope scope = NewDisposeScope();
        string[] names = [.. graph.Nodes.Select(node => node.Name)];
        Dictionary<string, Tensor> two = Evaluated(2), three = Evaluated(3);
        Dictionary<string, NodeShape> shapes = names.ToDictionary(name => name, name => Compare(name, two[name], three[name]));
        shapes[ModelGraph.Tokens] = shapes[ModelGraph.Positions] = new NodeShape(1, [], ScalarType.Int64, sizeof(long));

        two[ModelGraph.Tokens] = zeros(1, 2, ScalarType.Int64, device);
        two[ModelGraph.Positions] = zeros(1, 2, ScalarType.Int64, device);
        Dictionary<Definition, long[]> reshaped = new(ReferenceEqualityComparer.Instance);
        foreach (ModelNode node in graph.Nodes)
            foreach (Definition detour in node.Detours.Select(detour => detour.Definition))
                if (detour.Compute([.. detour.Inputs.Select(input => two[input.Node])]).shape is { } shape
                    && !shape.AsSpan().SequenceEqual(two[node.Name].shape))
                    reshaped[detour] = shape;
        return new NodeShapes(shapes, reshaped);

        // All at position 0, which every model has, however short its context.
        Dictionary<string, Tensor> Evaluated(int tokens) => GraphEvaluator.Evaluate(
            graph, zeros(1, tokens, ScalarType.Int64, device), names, positions: zeros(1, tokens, ScalarType.Int64, device));
    }

    private static NodeShape Compare(string name, Tensor two, Tensor three)
    {
        long[] small = two.shape, large = three.shape;
        ImmutableArray<int> growing = [.. Enumerable.Range(0, small.Length).Where(axis => large[axis] > small[axis])];
        if (growing.IsEmpty || small[0] != 1)
            throw new InterventionException(
                $"Node '{name}' of the model graph has the shape [{string.Join(", ", small)}] for a batch of one prompt of two tokens; " +
                "values have their batch first, and an axis of positions.");
        ImmutableArray<long> row =
        [
            .. Enumerable.Range(1, small.Length - 1).Where(axis => axis != growing[0])
                .Select(axis => growing.Contains(axis) ? -1 : small[axis]),
        ];
        long bytes = row.Where(size => size > 0).Aggregate(two.ElementSize, (bytes, size) => bytes * size);
        return new NodeShape(growing[0], row, two.dtype, bytes);
    }
}

/// <summary>The shapes of a graph's values.</summary>
/// <param name="shapes">By the node's name.</param>
/// <param name="reshaped">By a detour, the shape that it gives its node, where that is another one.</param>
internal sealed class NodeShapes(IReadOnlyDictionary<string, NodeShape> shapes, IReadOnlyDictionary<Definition, long[]> reshaped)
{
    public NodeShape this[string node] => shapes[node];

    /// <summary>
    /// The shape that a detour gives its node for two tokens, if it is not the ordinary one: a patched port gives every query head keys of
    /// its own.
    /// </summary>
    public long[]? Reshaped(Definition definition) => reshaped.GetValueOrDefault(definition);
}

/// <summary>The shape of one node's value.</summary>
/// <param name="PositionAxis">The axis of own positions (queries).</param>
/// <param name="Row">The other axes' lengths, without the batch; -1 for seen positions (keys).</param>
/// <param name="Type">The type of an entry.</param>
/// <param name="Bytes">The bytes of one position (and one key).</param>
internal sealed record NodeShape(int PositionAxis, ImmutableArray<long> Row, ScalarType Type, long Bytes)
{
    /// <summary>Whether it has an axis of seen positions (keys) as well.</summary>
    public bool IsPair => Row.Contains(-1);

    /// <summary>Rows <c>[row, …]</c> with all keys of the longest prompt. The added keys are 0, and no reader selects them.</summary>
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
