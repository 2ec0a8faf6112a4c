using System.Globalization;
using System.Text.RegularExpressions;

namespace Interventions.Circuits;

/// <summary>What a component is.</summary>
public enum ComponentKind
{
    /// <summary>The token embedding, without positions.</summary>
    Embed,

    /// <summary>An attention head.</summary>
    Head,

    /// <summary>A feed-forward block.</summary>
    Mlp,

    /// <summary>The final norm and the unembedding.</summary>
    Logits,
}

/// <summary>
/// A part of a model that reads the residual stream, or adds to it, or both: <c>embed</c>, <c>a3.h1</c> (head 1 of layer 3), <c>m3</c> (the
/// feed-forward block of layer 3), <c>logits</c>.
/// </summary>
/// <param name="Kind">What it is.</param>
/// <param name="Layer">The layer of a head or feed-forward block; otherwise 0.</param>
/// <param name="Head">The number of a head; otherwise 0.</param>
public readonly partial record struct Component(ComponentKind Kind, int Layer = 0, int Head = 0)
{
    /// <summary>The token embedding.</summary>
    public static Component Embed => new(ComponentKind.Embed);

    /// <summary>The final norm and the unembedding.</summary>
    public static Component Logits => new(ComponentKind.Logits);

    /// <summary>A head.</summary>
    public static Component OfHead(int layer, int head) => new(ComponentKind.Head, layer, head);

    /// <summary>A feed-forward block.</summary>
    public static Component OfMlp(int layer) => new(ComponentKind.Mlp, layer);

    /// <summary>Reads <c>embed</c>, <c>a3.h1</c>, <c>m3</c>, <c>logits</c>.</summary>
    /// <exception cref="FormatException">The text is none of these.</exception>
    public static Component Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return TryParse(text, out Component component) ? component : throw new FormatException(
            $"'{text}' is no component: embed, a3.h1 (a head), m3 (a feed-forward block) or logits.");
    }

    internal static bool TryParse(string text, out Component component)
    {
        Match found = Pattern().Match(text);
        component =
            text == "embed" ? Embed
            : found.Groups["mlp"].Success ? OfMlp(Number("mlp"))
            : found.Success ? OfHead(Number("layer"), Number("head"))
            : Logits;
        return found.Success || text is "embed" or "logits";

        int Number(string group) => int.Parse(found.Groups[group].ValueSpan, CultureInfo.InvariantCulture);
    }

    /// <inheritdoc/>
    public override string ToString() => Kind switch
    {
        ComponentKind.Embed => "embed",
        ComponentKind.Head => string.Create(CultureInfo.InvariantCulture, $"a{Layer}.h{Head}"),
        ComponentKind.Mlp => string.Create(CultureInfo.InvariantCulture, $"m{Layer}"),
        _ => "logits",
    };

    [GeneratedRegex(@"^(?:a(?<layer>\d{1,6})\.h(?<head>\d{1,6})|m(?<mlp>\d{1,6}))$")]
    private static partial Regex Pattern();
}

/// <summary>What a component reads at a port.</summary>
public enum PortInput
{
    /// <summary>Everything that it reads: of feed-forward blocks and logits.</summary>
    All,

    /// <summary>What a head makes its queries of.</summary>
    Query,

    /// <summary>What a head makes its keys of.</summary>
    Key,

    /// <summary>What a head makes its values of.</summary>
    Value,
}

/// <summary>
/// One reader's view of the residual stream, before its norm: <c>a3.h1.q</c>, <c>.k</c>, <c>.v</c>, <c>m3</c>, <c>logits</c>.
/// </summary>
/// <param name="Component">The component that reads.</param>
/// <param name="Input">Which of a head's inputs it is.</param>
public readonly record struct Port(Component Component, PortInput Input = PortInput.All)
{
    private const string Letters = "qkv";

    /// <summary>Reads <c>a3.h1.q</c>, <c>m3</c>, <c>logits</c>.</summary>
    /// <exception cref="FormatException">The text is no port.</exception>
    public static Port Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        int letter = text is [.., '.', var last] ? Letters.IndexOf(last, StringComparison.Ordinal) : -1;
        return Component.TryParse(letter < 0 ? text : text[..^2], out Component component)
            && component.Kind != ComponentKind.Embed && component.Kind == ComponentKind.Head == (letter >= 0)
            ? new Port(component, letter < 0 ? PortInput.All : PortInput.Query + letter)
            : throw new FormatException($"'{text}' is no port: a3.h1.q, a3.h1.k or a3.h1.v of a head, m3 or logits.");
    }

    /// <inheritdoc/>
    public override string ToString() => Input == PortInput.All ? $"{Component}" : $"{Component}.{Letters[Input - PortInput.Query]}";
}

/// <summary>A direct path: what one component adds to the residual stream, as one port reads it. <c>a0.h2-&gt;a3.h1.q</c>.</summary>
/// <param name="Source">The component that writes.</param>
/// <param name="Target">The port that reads.</param>
public readonly record struct Edge(Component Source, Port Target)
{
    private const string Arrow = "->";

    /// <summary>Reads <c>a0.h2-&gt;a3.h1.q</c>.</summary>
    /// <exception cref="FormatException">The text is no edge.</exception>
    public static Edge Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.Split(Arrow) is [var source, var target]
            ? new Edge(Component.Parse(source), Port.Parse(target))
            : throw new FormatException($"'{text}' is no edge: a source, '{Arrow}' and a port, such as a0.h2{Arrow}a3.h1.q.");
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Source}{Arrow}{Target}";
}
