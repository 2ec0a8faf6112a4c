using System.Text;

namespace Interventions.Circuits;

/// <content>Pictures.</content>
public sealed partial class Circuit
{
    /// <summary>
    /// A drawing in the language of Graphviz, from the embedding at the bottom to the logits at the top; the parts of a layer stand side by
    /// side. An arrow to a head says which of its ports it enters.
    /// </summary>
    public string ToDot()
    {
        StringBuilder text = new("digraph circuit {\n    rankdir=BT;\n    node [shape=box];\n");
        foreach (IGrouping<(int, ComponentKind), Component> rank in Ranks())
            text.Append("    { rank=same; ").AppendJoin(" ", rank.Select(component => $"\"{component}\";")).Append(" }\n");
        foreach ((Component source, Component target, string label) in Arrows())
            text.Append($"    \"{source}\" -> \"{target}\"").Append(label.Length > 0 ? $" [label=\"{label}\"]" : "").Append(";\n");
        return text.Append("}\n").ToString();
    }

    /// <summary>
    /// A Mermaid flowchart (https://mermaid.js.org), from the embedding at the bottom to the logits at the top, with a box for a layer's
    /// heads. An arrow to a head says which of its ports it enters.
    /// </summary>
    public string ToMermaid()
    {
        StringBuilder text = new("flowchart BT\n");
        foreach (IGrouping<(int, ComponentKind), Component> rank in Ranks())
        {
            bool isBox = rank.Key.Item2 == ComponentKind.Head;
            if (isBox)
                text.Append($"    subgraph layer{rank.Key.Item1}[\"layer {rank.Key.Item1}\"]\n");
            foreach (Component component in rank)
                text.Append(isBox ? "        " : "    ").Append($"{Id(component)}[\"{component}\"]\n");
            if (isBox)
                text.Append("    end\n");
        }
        foreach ((Component source, Component target, string label) in Arrows())
            text.Append($"    {Id(source)} -->{(label.Length > 0 ? $"|{label}|" : "")} {Id(target)}\n");
        return text.ToString();

        static string Id(Component component) => $"{component}".Replace('.', '_');
    }

    /// <summary>The components that are drawn beside each other, in the order of computation.</summary>
    private IEnumerable<IGrouping<(int Layer, ComponentKind Kind), Component>> Ranks() =>
        Components.GroupBy(component => (component.Layer, component.Kind));

    /// <summary>Edges between two components as one arrow.</summary>
    private IEnumerable<(Component Source, Component Target, string Label)> Arrows() =>
        Edges.GroupBy(edge => (edge.Source, Target: edge.Target.Component)).Select(edges => (
            edges.Key.Source, edges.Key.Target,
            string.Join(",", edges.Where(edge => edge.Target.Input != PortInput.All).Select(edge => $"{edge.Target}"[^1]))));
}
