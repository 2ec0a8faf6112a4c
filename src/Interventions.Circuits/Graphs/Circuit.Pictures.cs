using System.Text;

namespace Interventions.Circuits;

/// <content>Pictures.</content>
public sealed partial class Circuit
{
    /// <summary>
    /// A drawing in the language of Graphviz, from the embedding at the bottom to the logits at the top; the parts of a layer stand side by
    /// side. An arrow to a head says which of its ports it enters, and with scores, what they are: blue are those without which the metric
    /// falls, red those without which it rises, and the larger the score, the wider the arrow.
    /// </summary>
    /// <param name="scores">Scores of the graph's edges. Default: none.</param>
    /// <exception cref="ArgumentException">The scores are of another graph.</exception>
    public string ToDot(EdgeScores? scores = null)
    {
        EdgeLooks looks = new(this, scores);
        StringBuilder text = new("digraph circuit {\n    rankdir=BT;\n    node [shape=box];\n");
        foreach (IGrouping<(int, ComponentKind), Component> rank in Ranks())
            text.Append("    { rank=same; ").AppendJoin(" ", rank.Select(component => $"\"{component}\";")).Append(" }\n");
        foreach ((Component source, Component target, Edge[] edges) in Arrows())
        {
            string label = looks.LabelOf(edges);
            string[] attributes =
            [
                .. label.Length > 0 ? [$"label=\"{label}\""] : Array.Empty<string>(),
                .. scores is null ? Array.Empty<string>() : [$"color=\"{looks.ColourOf(edges)}\"", $"penwidth={looks.WidthOf(edges)}"],
            ];
            text.Append($"    \"{source}\" -> \"{target}\"")
                .Append(attributes.Length > 0 ? $" [{string.Join(", ", attributes)}]" : "").Append(";\n");
        }
        return text.Append("}\n").ToString();
    }

    /// <summary>
    /// A Mermaid flowchart (https://mermaid.js.org), from the embedding at the bottom to the logits at the top, with a box for a layer's
    /// heads. Arrows are as in <see cref="ToDot"/>.
    /// </summary>
    /// <param name="scores">Scores of the graph's edges. Default: none.</param>
    /// <exception cref="ArgumentException">The scores are of another graph.</exception>
    public string ToMermaid(EdgeScores? scores = null)
    {
        EdgeLooks looks = new(this, scores);
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
        foreach ((Component source, Component target, Edge[] edges) in Arrows())
        {
            string label = looks.LabelOf(edges), quote = scores is null ? "" : "\"";
            text.Append($"    {Id(source)} -->{(label.Length > 0 ? $"|{quote}{label}{quote}|" : "")} {Id(target)}\n");
        }
        if (scores is not null)
            foreach ((int i, (_, _, Edge[] edges)) in Arrows().Index())
                text.Append($"    linkStyle {i} stroke:{looks.ColourOf(edges)},stroke-width:{looks.WidthOf(edges)}px\n");
        return text.ToString();

        static string Id(Component component) => $"{component}".Replace('.', '_');
    }

    /// <summary>
    /// A picture that stands alone (SVG), from the embedding at the bottom to the logits at the top, layer by layer: heads in the middle,
    /// each with the ports that edges enter, and feed-forward blocks at the right. Edges are as in <see cref="ToDot"/>; each shows its name
    /// and its score where the pointer rests on it, and the largest scores are written beside their edges.
    /// </summary>
    /// <param name="scores">Scores of the graph's edges. Default: none.</param>
    /// <exception cref="ArgumentException">The scores are of another graph.</exception>
    public string ToSvg(EdgeScores? scores = null) => new CircuitDrawing(this, scores).Draw();

    /// <summary>The components that are drawn beside each other, in the order of computation.</summary>
    internal IEnumerable<IGrouping<(int Layer, ComponentKind Kind), Component>> Ranks() =>
        Components.GroupBy(component => (component.Layer, component.Kind));

    /// <summary>Edges between two components as one arrow.</summary>
    private IEnumerable<(Component Source, Component Target, Edge[] Edges)> Arrows() =>
        Edges.GroupBy(edge => (edge.Source, Target: edge.Target.Component))
            .Select(edges => (edges.Key.Source, edges.Key.Target, edges.ToArray()));
}
