namespace Interventions.Models.Tokenization;

/// <summary>A token of a text, by the UTF-16 units it covers.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Matched">The text that it replaced, which may be longer than its text in the vocabulary.</param>
/// <param name="Start">The first unit.</param>
/// <param name="End">The unit after the last.</param>
internal readonly record struct PipelineToken(int Id, ReadOnlyMemory<Glyph> Matched, int Start, int End);

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
        List<PipelineToken> tokens = new(text.Length / 3);
        missing = [];
        foreach ((AlignedText part, AddedToken? added) in _added.Split(AlignedText.From(text), normalize ? Normalizer : null))
        {
            if (added is not null)
            {
                tokens.Add(new(added.Id, part.Memory, part.Glyphs[0].Start, part.Glyphs[^1].End));
                continue;
            }
            foreach (AlignedText word in PreTokenizer?.Invoke(part, split) ?? [part])
                if (word.Length > 0)
                    Encode(word, tokens, missing);
        }
        return PostProcessor?.Process(tokens, addSpecialTokens) ?? tokens;
    }

    /// <summary>The text of tokens, given as the vocabulary writes them.</summary>
    public string Decode(IEnumerable<string> tokens) => Decoder is null ? string.Join(' ', tokens) : string.Concat(Decoder(tokens));

    private void Encode(AlignedText word, List<PipelineToken> tokens, List<Range> missing)
    {
        ReadOnlySpan<Glyph> glyphs = word.Glyphs;
        foreach ((int id, int first, int end) in Model.Tokenize(word))
        {
            (int from, int to) = (glyphs[first].Start, glyphs[end - 1].End);
            if (id == ModelToken.Missing)
                missing.Add(from..to);
            else
                tokens.Add(new(id, word.Memory[first..end], from, to));
        }
    }
}
