using Interventions.ModelGraphs;
using Interventions.Tables;
using Microsoft.ML.Tokenizers;

namespace Interventions.Models.Prompts;

/// <summary>
/// Encodes with a tokenizer other than <see cref="HuggingFaceTokenizer"/>. Positions and answers depend on its offsets and ids, but some
/// tokenizers rewrite a text before they encode it, or give offsets into the rewritten text. Decoding therefore confirms each result.
/// </summary>
internal static class ForeignTokenizer
{
    /// <summary>Encodes a text. Tokens that share a character each cover it; tokens that were added around the text cover 0..0.</summary>
    /// <exception cref="ArgumentException">Decoding does not give the text back, or the offsets do not cover it.</exception>
    public static EncodedText Encode(Tokenizer tokenizer, string text, bool addSpecialTokens, string where)
    {
        IReadOnlyList<EncodedToken> tokens = Call(tokenizer, text, where, () => tokenizer.EncodeToTokens(text, out _));
        Range own = OfText(tokenizer, tokens, text, where);
        Range[] offsets = Offsets(tokenizer, tokens, own, text, where);
        Range kept = addSpecialTokens ? Range.All : own;
        return new EncodedText(
            text, [.. tokens.Take(kept).Select(token => token.Id)], [.. tokens.Take(kept).Select(token => token.Value)], offsets[kept], []);
    }

    /// <summary>Checks the end of a token: the tokens up to it must decode to the text up to that end.</summary>
    /// <remarks>Offsets can cover a text without a gap and still be wrong.</remarks>
    /// <exception cref="ArgumentException">They decode to another text.</exception>
    public static void CheckEnd(Tokenizer tokenizer, EncodedText encoded, int token, string where)
    {
        int end = encoded.Offsets[token].End.Value;
        int[] ids = [.. encoded.Ids.Take(token + 1).Where((_, i) => encoded.Offsets[i].End.Value > 0)];
        string decoded = Call(tokenizer, encoded.Text, where, () => tokenizer.Decode(ids));
        if (decoded == encoded.Text[..end])
            return;
        int difference = decoded.AsSpan().CommonPrefixLength(encoded.Text);
        throw WrongOffsets(tokenizer, encoded.Text, difference, $"its tokens up to {end} are {Around(decoded, difference)}", where);
    }

    /// <summary>
    /// The tokens of the text itself: all without those at both ends that cover nothing, provided that the rest decodes to the text.
    /// </summary>
    private static Range OfText(Tokenizer tokenizer, IReadOnlyList<EncodedToken> tokens, string text, string where)
    {
        int leading = tokens.TakeWhile(CoversNothing).Count();
        int trailing = tokens.Skip(leading).Reverse().TakeWhile(CoversNothing).Count();
        (string Text, int Same)? closest = null;
        // Fewest tokens first, because a beginning of sentence may decode to no text. More are tried because the bytes of one character
        // may cover nothing too.
        for (int first = leading; first >= 0; first--)
            for (int end = tokens.Count - trailing; end <= tokens.Count; end++)
            {
                int[] ids = [.. tokens.Take(first..end).Select(token => token.Id)];
                string decoded = Call(tokenizer, text, where, () => tokenizer.Decode(ids));
                if (decoded == text)
                    return first..end;
                int same = decoded.AsSpan().CommonPrefixLength(text);
                if (closest is null || same > closest.Value.Same)
                    closest = (decoded, same);
            }
        (string other, int difference) = closest!.Value;
        throw Refused(tokenizer, $"gives {Around(text, difference)} back as {Around(other, difference)}", where);

        static bool CoversNothing(EncodedToken token) => token.Offset.Start.Value == token.Offset.End.Value;
    }

    /// <summary>The part of the text that each token covers, in whole characters. White space between words need not be covered.</summary>
    private static Range[] Offsets(Tokenizer tokenizer, IReadOnlyList<EncodedToken> tokens, Range own, string text, string where)
    {
        Range[] offsets = new Range[tokens.Count];
        int last = 0, covered = 0;
        for (int i = own.Start.Value; i < own.End.Value; i++)
        {
            (int from, int to) = (tokens[i].Offset.Start.Value, tokens[i].Offset.End.Value);
            if (from < last || to < from || to > text.Length || SkipsTo(from))
                throw WrongOffsets(tokenizer, text, covered, $"token {i}, {TextTable.Quote(tokens[i].Value)}, covers {from}..{to}", where);
            last = from;
            // If one character is several tokens, some tokenizers let only one token cover it, or each token only half a surrogate pair.
            to = Math.Min(Math.Max(to, from + 1), text.Length);
            offsets[i] = from..(CutsPair(text, to) ? to + 1 : to);
            covered = Math.Max(covered, offsets[i].End.Value);
        }
        return SkipsTo(text.Length)
            ? throw WrongOffsets(tokenizer, text, covered, $"no token covers {covered}..{text.Length}", where)
            : offsets;

        bool SkipsTo(int next) => next > covered && !text.AsSpan(covered, next - covered).IsWhiteSpace();
    }

    /// <summary>Calls the tokenizer. Its exceptions, which differ by tokenizer, become one that names the prompt.</summary>
    private static T Call<T>(Tokenizer tokenizer, string text, string where, Func<T> call)
    {
        try
        {
            return call();
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            throw Refused(tokenizer, $"cannot read {Around(text, 0)} ({e.GetType().Name}: {e.Message})", where, e);
        }
    }

    private static ArgumentException WrongOffsets(Tokenizer tokenizer, string text, int at, string what, string where) =>
        Refused(tokenizer, $"gives wrong offsets in {Around(text, at)}: {what}", where);

    private static ArgumentException Refused(Tokenizer tokenizer, string what, string where, Exception? inner = null) => new(
        $"{where}: {tokenizer.GetType().Name} {what}. Load the model's own tokenizer.json with HuggingFaceTokenizer.Load.", inner);

    private static string Around(string text, int at)
    {
        const int Reach = 16;
        int from = Math.Max(0, at - Reach), to = Math.Min(text.Length, at + Reach);
        from -= CutsPair(text, from) ? 1 : 0;
        to += CutsPair(text, to) ? 1 : 0;
        return TextTable.Quote($"{(from > 0 ? "…" : "")}{text[from..to]}{(to < text.Length ? "…" : "")}");
    }

    private static bool CutsPair(string text, int at) => at > 0 && at < text.Length && char.IsSurrogatePair(text[at - 1], text[at]);
}
