namespace Interventions.Models.Tokenization;

/// <summary>
/// Cuts a word into tokens from left to right, the longest that fits each time; those behind the first are written with a prefix (BERT's
/// <c>##</c>). A word with a part that fits none, or that is too long, is unknown as a whole.
/// </summary>
internal sealed class WordPieceModel : TokenModel
{
    private readonly CodePointTrie _first = new(), _following = new();
    private readonly int _unknownId, _maxLength;

    private WordPieceModel(Dictionary<string, int> vocabulary, string unknown, string prefix, int maxLength) : base(vocabulary)
    {
        (UnknownToken, _unknownId, _maxLength) = (unknown, vocabulary[unknown], maxLength);
        foreach ((string token, int id) in vocabulary)
        {
            _first.Add(token, id);
            if (token.StartsWith(prefix, StringComparison.Ordinal))
                _following.Add(token[prefix.Length..], id);
        }
    }

    public override string UnknownToken { get; }

    public static WordPieceModel Read(JsonField field)
    {
        Dictionary<string, int> vocabulary = field.Required("vocab").Vocabulary();
        return new(
            vocabulary,
            field.Required("unk_token").TokenOf(vocabulary),
            field.Optional("continuing_subword_prefix")?.String() ?? "##",
            field.Optional("max_input_chars_per_word")?.Id() ?? 100);
    }

    protected override ModelToken[] Compute(AlignedText word)
    {
        ModelToken[] unknown = [new(_unknownId, 0, word.Length)];
        if (word.Length > _maxLength)
            return unknown;
        List<ModelToken> tokens = [];
        List<(int End, int Id)> found = [];
        for (int start = 0; start < word.Length; start = found[^1].End)
        {
            found.Clear();
            (start == 0 ? _first : _following).FindAt(word.Glyphs, start, found);
            if (found.Count == 0)
                return unknown;
            tokens.Add(new(found[^1].Id, start, found[^1].End));
        }
        return [.. tokens];
    }
}
