using System.Globalization;
using System.Text;

namespace Interventions.Features;

/// <content>Pictures.</content>
public sealed partial class NeuronGraph
{
    /// <summary>
    /// A drawing in the language of Graphviz, from left to right as texts are read. At the right, in red, are the tokens on which the
    /// neuron fires, the deeper the more; in front of them, in blue, those that it looks back at, the deeper the more depends on them. A
    /// thick border says that nothing in front of the token is needed.
    /// </summary>
    public string ToDot()
    {
        PathDrawing drawing = new(this);
        StringBuilder text = new("digraph neuron {\n    rankdir=LR;\n    node [shape=box, style=filled];\n");
        foreach (IGrouping<int, PathBox> column in drawing.Boxes.GroupBy(box => box.Depth))
        {
            text.Append("    { rank=same; ").AppendJoin(" ", column.Select(box => $"{box.Id};")).Append(" }\n");
            foreach (PathBox box in column)
                text.Append(
                    CultureInfo.InvariantCulture,
                    $"    {box.Id} [label=\"{Escaped(box.Token)}\", fillcolor=\"{box.Fill}\", penwidth={(box.MayEnd ? 3 : 1)}];\n");
        }
        foreach ((PathBox from, PathBox to) in drawing.Arrows)
            text.Append(CultureInfo.InvariantCulture, $"    {from.Id} -> {to.Id};\n");
        return text.Append("}\n").ToString();

        static string Escaped(string token) => NeuronExample.OneLine(token).Replace("\\", "\\\\", StringComparison.Ordinal)
            .Replace("\"", "\\\"", StringComparison.Ordinal);
    }

    /// <summary>A Mermaid flowchart (https://mermaid.js.org). Boxes are as in <see cref="ToDot"/>.</summary>
    public string ToMermaid()
    {
        PathDrawing drawing = new(this);
        StringBuilder text = new("flowchart LR\n");
        foreach (PathBox box in drawing.Boxes)
            text.Append(CultureInfo.InvariantCulture, $"    {box.Id}[\"{Escaped(box.Token)}\"]\n");
        foreach ((PathBox from, PathBox to) in drawing.Arrows)
            text.Append(CultureInfo.InvariantCulture, $"    {from.Id} --> {to.Id}\n");
        foreach (PathBox box in drawing.Boxes)
            text.Append(
                CultureInfo.InvariantCulture, $"    style {box.Id} fill:{box.Fill},stroke:#444444,stroke-width:{(box.MayEnd ? 3 : 1)}px\n");
        return text.ToString();

        // What a flowchart takes for its own is written as the entity of its character.
        static string Escaped(string token) => string.Concat(NeuronExample.OneLine(token).EnumerateRunes().Select(rune =>
            rune.Value > 127 || rune.Value == ' ' || char.IsAsciiLetterOrDigit((char)rune.Value)
                ? $"{rune}" : string.Create(CultureInfo.InvariantCulture, $"#{rune.Value};")));
    }

    /// <summary>A picture that stands alone (SVG). Boxes are as in <see cref="ToDot"/>; the pointer over one shows its number.</summary>
    public string ToSvg() => new PathDrawing(this).Draw();
}
