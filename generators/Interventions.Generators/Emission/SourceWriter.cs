using System.Text;

namespace Interventions.Generators.Emission;

/// <summary>Writes indented C#, line by line.</summary>
internal sealed class SourceWriter
{
    private readonly StringBuilder _text = new();
    private int _depth;

    /// <summary>Writes a line; an empty one stays without indentation.</summary>
    public SourceWriter Line(string line = "")
    {
        if (line.Length > 0)
            _text.Append(' ', 4 * _depth).Append(line);
        _text.Append('\n');
        return this;
    }

    /// <summary>Writes a documentation summary.</summary>
    public SourceWriter Summary(string text) => Line($"/// <summary>{text}</summary>");

    /// <summary>Writes lines one level deeper.</summary>
    public SourceWriter Indented(params string[] lines)
    {
        _depth++;
        foreach (string line in lines)
            Line(line);
        _depth--;
        return this;
    }

    /// <summary>Opens a block: the header, and a brace on its own line.</summary>
    public SourceWriter Open(string header = "")
    {
        // Without a header, the brace belongs to the line before.
        if (header.Length > 0)
            Line(header);
        Line("{");
        _depth++;
        return this;
    }

    /// <summary>Closes the innermost block.</summary>
    public SourceWriter Close(string after = "")
    {
        _depth--;
        return Line("}" + after);
    }

    /// <inheritdoc/>
    public override string ToString() => _text.ToString();
}
