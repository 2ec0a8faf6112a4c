using System.Text;
using Interventions.Runtime;
using Interventions.Sites;

namespace Interventions.Models.Tokenization;

/// <summary>Cuts a text into the words that the token model encodes one by one: the format's <c>pre_tokenizer</c>.</summary>
/// <param name="text">A text, or a word that an earlier pre-tokenizer cut.</param>
/// <param name="cut">If false, characters are rewritten (bytes, the sign for a space) but the text stays one word.</param>
/// <returns>The words; some may be empty.</returns>
internal delegate IEnumerable<AlignedText> PreTokenizer(AlignedText text, bool cut);

/// <summary>The pre-tokenizers that a file can name. Most cut at matches and differ in the matcher alone.</summary>
internal static class PreTokenizers
{
    private static readonly PreTokenizer s_whitespaceSplit = At(Each(Characters.IsWhiteSpace), SplitBehavior.Removed);

    public static PreTokenizer Read(JsonField field) => field.Type() switch
    {
        "Sequence" => InTurn([.. field.Required("pretokenizers").Items().Select(Read)]),
        "ByteLevel" => ReadByteLevel(field),
        "Metaspace" => Metaspace.Read(field).PreTokenizer(field.Optional("split")?.Bool() ?? true),
        "Split" => At(
            TokenPattern.Read(field.Required("pattern")).Matches,
            ReadBehavior(field.Required("behavior")),
            field.Required("invert").Bool()),
        "Digits" => At(
            Each(Characters.IsNumeric),
            field.Required("individual_digits").Bool() ? SplitBehavior.Isolated : SplitBehavior.Contiguous),
        "Punctuation" => At(
            Each(Characters.IsPunctuation),
            field.Optional("behavior") is { } behavior ? ReadBehavior(behavior) : SplitBehavior.Isolated),
        "Whitespace" => At(TokenPattern.Words.Matches, SplitBehavior.Removed, invert: true),
        "WhitespaceSplit" => s_whitespaceSplit,
        "BertPreTokenizer" => InTurn([s_whitespaceSplit, At(Each(Characters.IsPunctuation), SplitBehavior.Isolated)]),
        "CharDelimiterSplit" => At(TokenPattern.OfLiteral(field.Required("delimiter").Character()).Matches, SplitBehavior.Removed),
        string type => throw field.Unsupported("pre-tokenizer", type),
    };

    /// <summary>GPT-2's: cuts into words, then writes every byte as a visible character (see <see cref="ByteAlphabet"/>).</summary>
    public static PreTokenizer ByteLevel(bool addPrefixSpace, bool useRegex) => (text, cut) =>
    {
        if (addPrefixSpace && text.Length > 0 && text[0] != ' ')
            text = text.Prepend(" ");
        return useRegex && cut
            ? WordSplitter.Split(text, TokenPattern.Gpt2.Matches(text), SplitBehavior.Isolated).Select(ByteAlphabet.Spell)
            : [ByteAlphabet.Spell(text)];
    };

    private static PreTokenizer ReadByteLevel(JsonField field)
    {
        field.Required("trim_offsets").Bool();    // the format demands it, but only the post-processor uses it
        return ByteLevel(field.Required("add_prefix_space").Bool(), field.Optional("use_regex")?.Bool() ?? true);
    }

    /// <summary>Each pre-tokenizer works on the words of the one before.</summary>
    private static PreTokenizer InTurn(PreTokenizer[] steps) => (text, cut) => steps.Aggregate(
        (IEnumerable<AlignedText>)[text],
        (words, step) => words.Where(word => word.Length > 0).SelectMany(word => step(word, cut)));

    private static PreTokenizer At(Func<AlignedText, List<TextRange>> matches, SplitBehavior behavior, bool invert = false) =>
        (text, cut) => cut ? WordSplitter.Split(text, matches(text), behavior, invert) : [text];

    /// <summary>A matcher for single characters.</summary>
    private static Func<AlignedText, List<TextRange>> Each(Func<int, bool> predicate) => text =>
    {
        List<TextRange> matches = [];
        ReadOnlySpan<Glyph> glyphs = text.Glyphs;
        for (int i = 0; i < glyphs.Length; i++)
            if (predicate(glyphs[i].CodePoint))
                matches.Add(new TextRange(i, i + 1));
        return matches;
    };

    private static SplitBehavior ReadBehavior(JsonField field) =>
        field.String() is string name && Enum.GetNames<SplitBehavior>().Contains(name)
            ? Enum.Parse<SplitBehavior>(name)
            : throw field.Invalid($"'{field.String()}' is not one of {string.Join(", ", Enum.GetNames<SplitBehavior>())}");
}

/// <summary>The place of the matches among the words when a text is split at them.</summary>
internal enum SplitBehavior
{
    /// <summary>They are dropped.</summary>
    Removed,

    /// <summary>Each is a word.</summary>
    Isolated,

    /// <summary>Each ends the word before it.</summary>
    MergedWithPrevious,

    /// <summary>Each begins the word after it.</summary>
    MergedWithNext,

    /// <summary>Neighbouring matches are one word.</summary>
    Contiguous,
}

/// <summary>Splits a text at matches.</summary>
internal static class WordSplitter
{
    /// <param name="text">The text.</param>
    /// <param name="matches">The places to cut at, from left to right.</param>
    /// <param name="behavior">The place of the matches among the words.</param>
    /// <param name="invert">Matches and the text between them change roles.</param>
    public static IEnumerable<AlignedText> Split(
        AlignedText text, List<TextRange> matches, SplitBehavior behavior, bool invert = false)
    {
        List<(int End, bool IsMatch)> parts = Parts(text, matches, invert);
        int start = 0;
        for (int i = 0; i < parts.Count; i++)
        {
            (int end, bool isMatch) = parts[i];
            bool joinsNext = i + 1 < parts.Count && behavior switch
            {
                SplitBehavior.MergedWithPrevious => parts[i + 1].IsMatch && !isMatch,
                SplitBehavior.MergedWithNext => isMatch && !parts[i + 1].IsMatch,
                SplitBehavior.Contiguous => isMatch == parts[i + 1].IsMatch,
                _ => false,
            };
            if (joinsNext)
                continue;
            if (behavior != SplitBehavior.Removed || !isMatch)
                yield return text.Slice(start, end);
            start = end;
        }
    }

    /// <summary>The matches and the parts between them, by their ends.</summary>
    private static List<(int End, bool IsMatch)> Parts(AlignedText text, List<TextRange> matches, bool invert)
    {
        List<(int, bool)> parts = [];
        int done = 0;
        foreach ((int start, int end) in matches)
        {
            if (start > done)
                parts.Add((start, invert));
            parts.Add((end, !invert));
            done = end;
        }
        if (done < text.Length)
            parts.Add((text.Length, invert));
        return parts;
    }
}

/// <summary>When Metaspace puts its sign in front of a text that does not begin with one.</summary>
internal enum PrependScheme
{
    /// <summary>Always, also after an added token.</summary>
    Always,

    /// <summary>Only at the beginning of the whole text.</summary>
    First,

    /// <summary>Not at all.</summary>
    Never,
}

/// <summary>SentencePiece's way to write spaces: as ▁ or another sign, with one in front. It is a pre-tokenizer and a decoder.</summary>
internal sealed record Metaspace(string Sign, PrependScheme Scheme)
{
    public static Metaspace Read(JsonField field) => new(field.Required("replacement").Character(), ReadScheme(field));

    /// <summary>Writes each space as the sign, puts one in front where the scheme says so, and cuts before each.</summary>
    public PreTokenizer PreTokenizer(bool split)
    {
        (TokenPattern space, TokenPattern sign) = (TokenPattern.OfLiteral(" "), TokenPattern.OfLiteral(Sign));
        int signed = Sign.EnumerateRunes().First().Value;
        return (text, cut) =>
        {
            text = text.Replace(space.Matches(text), Sign);
            bool wanted = Scheme == PrependScheme.Always || (Scheme == PrependScheme.First && text.AtStart);
            if (wanted && !(text.Length > 0 && text[0] == signed))
                text = text.Prepend(Sign);
            return split && cut ? WordSplitter.Split(text, sign.Matches(text), SplitBehavior.MergedWithNext) : [text];
        };
    }

    /// <summary>Writes each sign as a space again, and drops those of the first token, which the pre-tokenizer added.</summary>
    public IEnumerable<string> Decode(IEnumerable<string> tokens) => tokens.Select((token, index) =>
        token.Replace(Sign, index == 0 && Scheme != PrependScheme.Never ? "" : " ", StringComparison.Ordinal));

    private static PrependScheme ReadScheme(JsonField field)
    {
        if (field.Optional("prepend_scheme") is not { } scheme)    // older files
            return field.Optional("add_prefix_space")?.Bool() ?? true ? PrependScheme.Always : PrependScheme.Never;
        return scheme.String() switch
        {
            "always" => PrependScheme.Always,
            "first" => PrependScheme.First,
            "never" => PrependScheme.Never,
            string other => throw scheme.Invalid($"'{other}' is not one of always, first, never"),
        };
    }
}
