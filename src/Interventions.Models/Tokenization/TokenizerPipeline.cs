using System.Buffers;

namespace Interventions.Models.Tokenization;

/// <summary>A token of a text, by the UTF-16 units it covers.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Start">The first unit.</param>
/// <param name="End">The unit after the last.</param>
/// <param name="LeadingSpaces">The spaces, in the byte alphabet or not, that the text begins with which it replaced.</param>
/// <param name="TrailingSpaces">Those that it ends with.</param>
internal readonly record struct PipelineToken(int Id, int Start, int End, int LeadingSpaces, int TrailingSpaces)
{
    /// <summary>A token that replaced a text.</summary>
    public static PipelineToken Of(int id, ReadOnlySpan<Glyph> replaced)
    {
        int leading = 0, trailing = 0;
        while (leading < replaced.Length && IsSpace(replaced[leading].CodePoint))
            leading++;
        while (trailing < replaced.Length && IsSpace(replaced[^(trailing + 1)].CodePoint))
            trailing++;
        return new(id, replaced[0].Start, replaced[^1].End, leading, trailing);
    }

    /// <summary>A token that was added around a text: it covers nothing.</summary>
    public static PipelineToken Added(int id) => new(id, 0, 0, 0, 0);

    private static bool IsSpace(int codePoint) => codePoint == ByteAlphabet.Space || Characters.IsWhiteSpace(codePoint);
}

/// <summary>The steps from a text to tokens, in order, and back. Immutable.</summary>
internal sealed record TokenizerPipeline(
    TokenModel Model,
    IReadOnlyList<AddedToken> AddedTokens,
    Normalizer? Normalizer,
    PreTokenizer? PreTokenizer,
    IPostProcessor? PostProcessor,
    TokenDecoder? Decoder)
{
    private readonly AddedVocabulary _added = new(AddedTokens, Normalizer);

    /// <summary>Encodes a text.</summary>
    /// <param name="text">The text.</param>
    /// <param name="addSpecialTokens">Whether the post-processor may add its tokens.</param>
    /// <param name="normalize">Whether the normalizer runs.</param>
    /// <param name="split">Whether the pre-tokenizer cuts.</param>
    /// <param name="missing">The parts of the text without a token.</param>
    public List<PipelineToken> Encode(string text, bool addSpecialTokens, bool normalize, bool split, out List<Range> missing)
    {
        List<PipelineToken> tokens = [];
        missing = [];
        // Arrays of this size are collected seldom, with all that lives long, which costs more than encoding.
        Glyph[] room = ArrayPool<Glyph>.Shared.Rent(text.Length);
        try
        {
            foreach ((AlignedText part, AddedToken? added) in _added.Split(AlignedText.From(text, room), normalize ? Normalizer : null))
            {
                if (added is not null)
                    tokens.Add(PipelineToken.Of(added.Id, part.Glyphs));
                else
                    Encode(part, split, tokens, missing);
            }
        }
        finally
        {
            ArrayPool<Glyph>.Shared.Return(room);
        }
        return PostProcessor?.Process(tokens, addSpecialTokens) ?? tokens;
    }

    /// <summary>The text of tokens, given as the vocabulary writes them.</summary>
    public string Decode(IEnumerable<string> tokens) => Decoder is null ? string.Join(' ', tokens) : string.Concat(Decoder(tokens));

    private void Encode(AlignedText part, bool split, List<PipelineToken> tokens, List<Range> missing)
    {
        foreach (AlignedText word in PreTokenizer?.Invoke(part, split) ?? [part])
            if (word.Length > 0)
                Encode(word, tokens, missing);
    }

    private void Encode(AlignedText word, List<PipelineToken> tokens, List<Range> missing)
    {
        ReadOnlySpan<Glyph> glyphs = word.Glyphs;
        foreach ((int id, int first, int end) in Model.Tokenize(word))
        {
            if (id == ModelToken.Missing)
                missing.Add(glyphs[first].Start..glyphs[end - 1].End);
            else
                tokens.Add(PipelineToken.Of(id, glyphs[first..end]));
        }
    }
}
