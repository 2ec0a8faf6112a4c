using Interventions.Runtime;

namespace Interventions.Models.Tokenization;

/// <summary>Cuts a text into the words that the model encodes one by one: the format's <c>pre_tokenizer</c>.</summary>
internal interface IPreTokenizer
{
    /// <summary>Appends the words of <paramref name="text"/>.</summary>
    /// <param name="text">A text, or a word that an earlier pre-tokenizer cut.</param>
    /// <param name="cut">Otherwise only the rewriting is done (bytes, the sign for a space) and the text stays one word.</param>
    /// <param name="words">Where the words go; empty ones are left out later.</param>
    void Split(AlignedText text, bool cut, List<AlignedText> words);
}

/// <summary>Chooses a pre-tokenizer by its <c>type</c>.</summary>
internal static class PreTokenizers
{
    public static IPreTokenizer Read(JsonField field) => field.Type() switch
    {
        "Sequence" => new PreTokenizerSequence([.. field.Required("pretokenizers").Items().Select(Read)]),
        "ByteLevel" => ByteLevelPreTokenizer.Read(field),
        "Metaspace" => MetaspacePreTokenizer.Read(field),
        "Split" => new SplitPreTokenizer(
            TokenPattern.Read(field.Required("pattern")).Matches,
            SplitBehaviors.Read(field.Required("behavior")),
            field.Required("invert").Bool()),
        "Digits" => new SplitPreTokenizer(
            SplitPreTokenizer.Each(Characters.IsNumeric),
            field.Required("individual_digits").Bool() ? SplitBehavior.Isolated : SplitBehavior.Contiguous),
        "Punctuation" => new SplitPreTokenizer(
            SplitPreTokenizer.Each(Characters.IsPunctuation),
            field.Optional("behavior") is { } behavior ? SplitBehaviors.Read(behavior) : SplitBehavior.Isolated),
        "Whitespace" => new SplitPreTokenizer(TokenPattern.Words.Matches, SplitBehavior.Removed, invert: true),
        "WhitespaceSplit" => new SplitPreTokenizer(SplitPreTokenizer.Each(Characters.IsWhiteSpace), SplitBehavior.Removed),
        var type => throw field.Unsupported("pre-tokenizer", type),
    };
}
