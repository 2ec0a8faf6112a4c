
namespace Interventions.ModelGraphs;

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
