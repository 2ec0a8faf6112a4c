using Interventions.ModelGraphs;
using Microsoft.ML.Tokenizers;

namespace Interventions.Models;

/// <summary>
/// Encodes with a tokenizer of somebody else. Positions and answers rest on its offsets and ids, and some tokenizers rewrite a text before
/// they encode it, or give offsets into what they rewrote: so nothing is believed that decoding does not bear out.
/// </summary>
internal static class ForeignTokenizer
{
    /// <summary>Encodes a text. Tokens that share a character each cover it; those that were added around the text cover 0..0.</summary>
    /// <exception cref="ArgumentException">Decoding does not give the text back, or the offsets do not cover it.</exception>
    public static EncodedText Encode(Tokenizer tokenizer, string text, bool addSpecialTokens, string where)
    {
        IReadOnlyList<EncodedToken> tokens = Ask(tokenizer, text, where, () => tokenizer.EncodeToTokens(text, out _));
        Range own = OfText(tokenizer, tokens, text, where);
        Range[] offsets = Offsets(tokenizer, tokens, own, text, where);
        Range kept = addSpecialTokens ? Range.All : own;
        return new EncodedText(
            text, [.. tokens.Take(kept).Select(token => token.Id)], [.. tokens.Take(kept).Select(token => token.Value)], offsets[kept], []);
    }

    /// <summary>Checks that a token ends where it says: the tokens up to it decode to the text up to there.</summary>
    /// <remarks>Offsets can cover a text without a gap and still be wrong.</remarks>
    /// <exception cref="ArgumentException">It is not.</exception>
    public static void CheckEnd(Tokenizer tokenizer, EncodedText encoded, int token, string where)
    {
        int end = encoded.Offsets[token].End.Value;
        int[] ids = [.. encoded.Ids.Take(token + 1).Where((_, i) => encoded.Offsets[i].End.Value > 0)];
        string decoded = Ask(tokenizer, encoded.Text, where, () => tokenizer.Decode(ids));
        if (decoded == encoded.Text[..end])
            return;
        int difference = decoded.AsSpan().CommonPrefixLength(encoded.Text);
        throw WrongOffsets(tokenizer, encoded.Text, difference, $"its tokens up to {end} are {Around(decoded, difference)}", where);
    }

    /// <summary>
    /// Which tokens are the text's own: all but those at both ends that cover nothing, as long as what is left decodes to the text.
    /// </summary>
    private static Range OfText(Tokenizer tokenizer, IReadOnlyList<EncodedToken> tokens, string text, string where)
    {
        int leading = tokens.TakeWhile(CoversNothing).Count();
        int trailing = tokens.Skip(leading).Reverse().TakeWhile(CoversNothing).Count();
        (string Text, int Same)? closest = null;
        // The fewest first: a beginning of sentence may decode to nothing. Bytes of a character may cover nothing too, but are needed.
        for (int first = leading; first >= 0; first--)
            for (int end = tokens.Count - trailing; end <= tokens.Count; end++)
            {
                int[] ids = [.. tokens.Take(first..end).Select(token => token.Id)];
                string decoded = Ask(tokenizer, text, where, () => tokenizer.Decode(ids));
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

    /// <summary>What each token covers, in whole characters. White space between words need not be covered.</summary>
    private static Range[] Offsets(Tokenizer tokenizer, IReadOnlyList<EncodedToken> tokens, Range own, string text, string where)
    {
        Range[] offsets = new Range[tokens.Count];
        int last = 0, covered = 0;
        for (int i = own.Start.Value; i < own.End.Value; i++)
        {
            (int from, int to) = (tokens[i].Offset.Start.Value, tokens[i].Offset.End.Value);
            if (from < last || to < from || to > text.Length || SkipsTo(from))
                throw WrongOffsets(tokenizer, text, covered, $"token {i}, \"{tokens[i].Value}\", covers {from}..{to}", where);
            last = from;
            // Where a character is several tokens, some tokenizers let only one of them cover it, or all only half of a surrogate pair.
            to = Math.Min(Math.Max(to, from + 1), text.Length);
            offsets[i] = from..(CutsPair(text, to) ? to + 1 : to);
            covered = Math.Max(covered, offsets[i].End.Value);
        }
        return SkipsTo(text.Length)
            ? throw WrongOffsets(tokenizer, text, covered, $"no token covers {covered}..{text.Length}", where)
            : offsets;

        bool SkipsTo(int next) => next > covered && !text.AsSpan(covered, next - covered).IsWhiteSpace();
    }

    /// <summary>Tokenizers throw what they like at text that they have no token for; the prompt is named all the same.</summary>
    private static T Ask<T>(Tokenizer tokenizer, string text, string where, Func<T> question)
    {
        try
        {
            return question();
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
        return $"\"{(from > 0 ? "…" : "")}{text[from..to]}{(to < text.Length ? "…" : "")}\"";
    }

    private static bool CutsPair(string text, int at) => at > 0 && at < text.Length && char.IsSurrogatePair(text[at - 1], text[at]);
}
