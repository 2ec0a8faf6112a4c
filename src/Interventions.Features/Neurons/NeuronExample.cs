using System.Collections.Immutable;
using Interventions.Files;

namespace Interventions.Features;

/// <summary>A text with one neuron's activations.</summary>
/// <param name="Context">The number of the text in its corpus.</param>
/// <param name="Tokens">Token ids, without a beginning of sentence in front.</param>
/// <param name="Texts">The tokens' texts.</param>
/// <param name="Activations">The neuron's activation at each token; 0 at a beginning of sentence.</param>
/// <param name="Pivot">The token with the largest activation, the first of several.</param>
public sealed record NeuronExample(
    int Context, ImmutableArray<long> Tokens, ImmutableArray<string> Texts, ImmutableArray<double> Activations, int Pivot)
{
    /// <summary>The largest activation.</summary>
    public double Activation => Activations[Pivot];

    /// <summary>The text around the pivot, which stands between « and »: at most 80 columns.</summary>
    public override string ToString() => Line(80);

    /// <summary>The text around the pivot in one line, with the pivot at the same place in all lines of a width.</summary>
    internal string Line(int width)
    {
        int left = width * 2 / 5, most = width / 4;
        string pivot = $"«{Cut(OneLine(Texts[Pivot]), most, fromEnd: false)}»";
        string before = Cut(OneLine(string.Concat(Texts.Take(Pivot))), left, fromEnd: true).PadLeft(left);
        return (before + pivot + Cut(OneLine(string.Concat(Texts.Skip(Pivot + 1))), width - left - pivot.Length, fromEnd: false)).TrimEnd();
    }

    /// <summary>A part of it, with the pivot in it.</summary>
    /// <param name="length">How many tokens at most; a third of them behind the pivot, where there are so many.</param>
    internal NeuronExample Excerpt(int length)
    {
        if (Tokens.Length <= length)
            return this;
        int first = Math.Clamp(Pivot - (length * 2 / 3), 0, Tokens.Length - length);
        return new NeuronExample(
            Context, Tokens.Slice(first, length), Texts.Slice(first, length), Activations.Slice(first, length), Pivot - first);
    }

    /// <summary>Writes or reads it.</summary>
    internal static NeuronExample Fields(JsonFields fields, NeuronExample? example)
    {
        NeuronExample read = new(
            fields.Integer("context", example?.Context), fields.Longs("tokens", example?.Tokens ?? default),
            fields.Texts("texts", example?.Texts ?? default), fields.Numbers("activations", example?.Activations ?? default),
            fields.Integer("pivot", example?.Pivot));
        int length = read.Tokens.Length;
        return read.Texts.Length == length && read.Activations.Length == length && read.Pivot >= 0 && read.Pivot < length
            ? read
            : throw fields.Wrong("'tokens', 'texts' and 'activations' differ in length, or 'pivot' is none of them");
    }

    /// <summary>A text with its line breaks and tabs as escapes, and a mark for what neither a line nor XML can hold.</summary>
    internal static string OneLine(string text) => string.Concat(text.EnumerateRunes().Select(rune => rune.Value switch
    {
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        < ' ' or (>= 0x7F and < 0xA0) or 0xFFFE or 0xFFFF => "\uFFFD",
        _ => rune.ToString(),
    }));

    private static string Cut(string text, int width, bool fromEnd) =>
        text.Length <= width ? text : width < 1 ? "" : fromEnd ? "…" + text[^(width - 1)..] : text[..(width - 1)] + "…";
}
