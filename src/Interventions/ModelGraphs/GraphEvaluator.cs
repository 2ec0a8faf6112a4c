using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.ModelGraphs;

/// <summary>Replaces a node's value.</summary>
/// <param name="value">The value.</param>
/// <param name="earlier">Values of earlier nodes, among them all that the caller asked for.</param>
internal delegate Tensor NodeWrite(Tensor value, IReadOnlyDictionary<string, Tensor> earlier);

/// <summary>Runs a <see cref="ModelGraph"/> from tokens to the values that are read, one node after the other.</summary>
public static class GraphEvaluator
{
    /// <summary>Computes the named values and the nodes that they need; every other value is freed after its last reader.</summary>
    /// <param name="graph">The model's forward pass.</param>
    /// <param name="tokens">Token ids, <c>[batch, pos]</c>, int64.</param>
    /// <param name="reads">Names of the nodes to return.</param>
    /// <param name="writes">
    /// By node name, the function that replaces its value. A written node's detours are taken, also if the function returns its argument.
    /// </param>
    /// <param name="positions">Positions, <c>[batch, pos]</c>, int64; by default 0, 1, 2, … in every row.</param>
    /// <param name="cancellationToken">Checked between nodes.</param>
    /// <returns>The values after their writes, one handle each, owned by the caller.</returns>
    /// <exception cref="KeyNotFoundException">A read or written name is not a node.</exception>
    public static Dictionary<string, Tensor> Evaluate(
        ModelGraph graph,
        Tensor tokens,
        IEnumerable<string> reads,
        IReadOnlyDictionary<string, Func<Tensor, Tensor>>? writes = null,
        Tensor? positions = null,
        CancellationToken cancellationToken = default)
    {
        Dictionary<string, NodeWrite> all = [];
        foreach ((string name, Func<Tensor, Tensor> write) in writes ?? new Dictionary<string, Func<Tensor, Tensor>>())
            all[name] = (value, _) => write(value);
        return Evaluate(graph, tokens, reads, all, positions, cancellationToken);
    }

    /// <summary>The same, with writes that see earlier values too.</summary>
    internal static Dictionary<string, Tensor> Evaluate(
        ModelGraph graph,
        Tensor tokens,
        IEnumerable<string> reads,
        IReadOnlyDictionary<string, NodeWrite> writes,
        Tensor? positions,
        CancellationToken cancellationToken)
    {
        HashSet<string> wanted = [.. reads];
        using DisposeScope scope = NewDisposeScope();
        Dictionary<string, Tensor> live = Run(graph, tokens, wanted, writes, positions, visit: null, cancellationToken);
        return wanted.ToDictionary(name => name, name => live[name].MoveToOuterDisposeScope());
    }

    /// <summary>Passes each of the named values on as soon as it is computed, and keeps none.</summary>
    /// <param name="graph">The model's forward pass.</param>
    /// <param name="tokens">Token ids, <c>[batch, pos]</c>, int64.</param>
    /// <param name="reads">Names of the nodes to visit.</param>
    /// <param name="visit">Gets a name and a value, which is freed afterwards.</param>
    /// <param name="cancellationToken">Checked between nodes.</param>
    internal static void Visit(
        ModelGraph graph, Tensor tokens, IEnumerable<string> reads, Action<string, Tensor> visit, CancellationToken cancellationToken)
    {
        using DisposeScope scope = NewDisposeScope();
        Run(graph, tokens, [.. reads], new Dictionary<string, NodeWrite>(), positions: null, visit, cancellationToken);
    }

    private static Dictionary<string, Tensor> Run(
        ModelGraph graph,
        Tensor tokens,
        HashSet<string> wanted,
        IReadOnlyDictionary<string, NodeWrite> writes,
        Tensor? positions,
        Action<string, Tensor>? visit,
        CancellationToken cancellationToken)
    {
        foreach (string name in wanted.Concat(writes.Keys))
            _ = graph[name];

        NodeOrder schedule = NodeOrder.Of(graph, wanted, writes.Keys.ToHashSet());
        Dictionary<string, Tensor> live = new()
        {
            [ModelGraph.Tokens] = tokens.alias(),
            [ModelGraph.Positions] = positions?.alias() ?? range(0, tokens.shape[1], tokens.device).unsqueeze(0).expand(tokens.shape),
        };

        Dictionary<string, int> readers = new(schedule.Readers);
        foreach ((ModelNode node, Definition definition) in schedule.Steps)
        {
            cancellationToken.ThrowIfCancellationRequested();
            live[node.Name] = ComputeNode(definition, live, writes.GetValueOrDefault(node.Name));
            if (visit is not null && wanted.Contains(node.Name))
                visit(node.Name, live[node.Name]);
            foreach (NodeInput input in definition.Inputs)
            {
                readers[input.Node]--;
                Free(input.Node);
            }
            Free(node.Name);
        }
        return live;

        void Free(string name)
        {
            bool isReturned = visit is null && wanted.Contains(name);
            if (readers.GetValueOrDefault(name) == 0 && !isReturned && live.Remove(name, out Tensor? dead))
                dead.Dispose();
        }
    }

    private static Tensor ComputeNode(Definition definition, Dictionary<string, Tensor> live, NodeWrite? write)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor[] inputs = [.. definition.Inputs.Select(input => live[input.Node])];
        Tensor value = definition.Compute(inputs);
        if (write is not null)
            value = write(value, live);
        // An input or a weight that is passed through gets a handle of its own, because each handle is freed on its own.
        if (!scope.Contains(value))
            value = value.alias();
        return value.MoveToOuterDisposeScope();
    }
}

/// <summary>
/// The nodes of a model graph that are computed, in order, with their definitions, and the number of readers of each value.
/// </summary>
internal sealed record NodeOrder(IReadOnlyList<(ModelNode Node, Definition Definition)> Steps, IReadOnlyDictionary<string, int> Readers)
{
    /// <summary>The nodes that the wanted values need.</summary>
    /// <param name="graph">The forward pass.</param>
    /// <param name="wanted">The names of the wanted values.</param>
    /// <param name="touched">The sites that are written or differentiated, whose detours are taken.</param>
    public static NodeOrder Of(ModelGraph graph, IReadOnlySet<string> wanted, IReadOnlySet<string> touched)
    {
        HashSet<string> needed = [.. wanted];
        Dictionary<string, int> readers = [];
        List<(ModelNode, Definition)> steps = [];
        foreach (ModelNode node in graph.Nodes.Reverse())
        {
            if (!needed.Contains(node.Name))
                continue;
            Definition definition = node.DefinitionUnder(touched);
            foreach (NodeInput input in definition.Inputs)
            {
                needed.Add(input.Node);
                readers[input.Node] = readers.GetValueOrDefault(input.Node) + 1;
            }
            steps.Add((node, definition));
        }
        steps.Reverse();
        return new NodeOrder(steps, readers);
    }
}
