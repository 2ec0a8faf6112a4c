namespace Interventions.Models.Tokenization;

/// <summary>The rooms that a text goes through, in order, and back. Immutable.</summary>
internal sealed record TokenizerPipeline(
    TokenModel Model,
    IReadOnlyList<AddedToken> AddedTokens,
    INormalizer? Normalizer,
    IPreTokenizer? PreTokenizer,
    IPostProcessor? PostProcessor,
    IDecoder? Decoder)
{
    private readonly AddedVocabulary _added = new(AddedTokens, Normalizer);

    /// <summary>Encodes a text.</summary>
    /// <param name="text">The text.</param>
    /// <param name="addSpecialTokens">Whether the post-processor may add its tokens.</param>
    /// <param name="normalize">Whether the normalizer runs.</param>
    /// <param name="split">Whether the pre-tokenizer cuts.</param>
    /// <param name="missing">What no token stands for, if anything.</param>
    public List<PipelineToken> Encode(string text, bool addSpecialTokens, bool normalize, bool split, out List<Range> missing)
    {
        var tokens = new List<PipelineToken>();
        var gaps = new List<Range>();
        var words = new List<AlignedText>();
        foreach (var (part, added) in _added.Split(AlignedText.From(text), normalize ? Normalizer : null))
        {
            if (added is not null)
            {
                tokens.Add(new(added.Id, part.Text, part.Glyphs[0].Start, part.Glyphs[^1].End));
                continue;
            }
            words.Clear();
            if (PreTokenizer is null) words.Add(part);
            else PreTokenizer.Split(part, split, words);
            foreach (var word in words)
                if (word.Length > 0) Encode(word, tokens, gaps);
        }
        missing = gaps;
        return PostProcessor?.Process(tokens, addSpecialTokens) ?? tokens;
    }

    private void Encode(AlignedText word, List<PipelineToken> tokens, List<Range> missing)
    {
        foreach (var (id, first, end) in Model.Tokenize(word))
        {
            int from = word.Glyphs[first].Start, to = word.Glyphs[end - 1].End;
            if (id == ModelToken.Missing) missing.Add(from..to);
            else tokens.Add(new(id, word.Slice(first, end).Text, from, to));
        }
    }

    /// <summary>The text of tokens, given by their texts in the vocabulary.</summary>
    public string Decode(IEnumerable<string> tokens) => Decoder is null ? string.Join(' ', tokens) : string.Concat(Decoder.Decode(tokens));
}
