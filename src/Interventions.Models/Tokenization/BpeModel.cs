using System.Text;

namespace Interventions.Models.Tokenization;

/// <summary>How a byte-pair encoding treats words, beside its merges.</summary>
internal sealed record BpeOptions
{
    /// <summary>The token for characters outside the vocabulary; without one they get no token.</summary>
    public string? Unknown { get; init; }

    /// <summary>Neighbouring unknown characters are one token.</summary>
    public bool FuseUnknown { get; init; }

    /// <summary>Characters outside the vocabulary are spelt in bytes if the vocabulary has these.</summary>
    public bool ByteFallback { get; init; }

    /// <summary>A word that is a token stays whole, also if the merges would give other tokens.</summary>
    public bool IgnoreMerges { get; init; }

    /// <summary>What the vocabulary writes before each token of a word but the first.</summary>
    public string ContinuingPrefix { get; init; } = "";

    /// <summary>What the vocabulary writes behind the last token of a word.</summary>
    public string EndSuffix { get; init; } = "";

    /// <summary>Whether a character is the same token anywhere in a word, and all tokens come from merges.</summary>
    public bool IsPlain => ContinuingPrefix.Length == 0 && EndSuffix.Length == 0 && !IgnoreMerges;
}

/// <summary>
/// Byte-pair encoding: a word begins as its characters; the pair with the lowest rank, the leftmost of equals, merges until none can.
/// </summary>
internal sealed class BpeModel : TokenModel
{
    private readonly BpeMerges _merges;
    private readonly BpeOptions _options;
    private readonly Dictionary<int, int> _characters = [];    // the tokens of one character
    private readonly ByteTokens? _bytes;
    private readonly int? _unknownId;

    public BpeModel(IReadOnlyDictionary<string, int> vocabulary, BpeMerges merges, BpeOptions options) : base(vocabulary)
    {
        (_merges, _options) = (merges, options);
        _bytes = options.ByteFallback ? new ByteTokens(vocabulary) : null;
        _unknownId = options.Unknown is null ? null : vocabulary[options.Unknown];
        foreach ((string token, int id) in vocabulary)
            if (token.Length > 0 && Rune.TryGetRuneAt(token, 0, out Rune rune) && rune.Utf16SequenceLength == token.Length)
                _characters[rune.Value] = id;
    }

    public override string? UnknownToken => _options.Unknown;

    public static BpeModel Read(JsonField field)
    {
        if (field.Optional("dropout") is { } dropout && dropout.Number() != 0)
            throw dropout.Invalid("merges that are dropped at random are not supported: the same text would give other ids each time");
        Dictionary<string, int> vocabulary = field.Required("vocab").Vocabulary();
        BpeOptions options = new()
        {
            Unknown = field.Optional("unk_token")?.TokenOf(vocabulary),
            FuseUnknown = field.Optional("fuse_unk")?.Bool() ?? false,
            ByteFallback = field.Optional("byte_fallback")?.Bool() ?? false,
            IgnoreMerges = field.Optional("ignore_merges")?.Bool() ?? false,
            ContinuingPrefix = field.Optional("continuing_subword_prefix")?.String() ?? "",
            EndSuffix = field.Optional("end_of_word_suffix")?.String() ?? "",
        };
        return new(vocabulary, BpeMerges.Read(field.Required("merges"), vocabulary, options.ContinuingPrefix), options);
    }

    protected override ModelToken[] Compute(AlignedText word)
    {
        if (_options.IgnoreMerges && Vocabulary.TryGetValue(word.Text, out int whole))
            return [new(whole, 0, word.Length)];
        if (_options.IsPlain && word.Length > WordCache.MaxLength && Cut(word) is { Count: > 1 } parts)
            return [.. parts.SelectMany(part => Tokenize(word.Slice(part.Start, part.End)).Select(token => token.Behind(part.Start)))];

        List<ModelToken> symbols = new(word.Length), missing = [];
        for (int i = 0; i < word.Length; i++)
        {
            if (Symbol(word, i) is { } id)
                symbols.Add(new(id, i, i + 1));
            else if (_bytes?.Spell(word.Slice(i, i + 1)) is { } bytes)
                symbols.AddRange(bytes.Select(value => new ModelToken(value, i, i + 1)));
            else if (_unknownId is not { } unknown)
                missing.Add(new(ModelToken.Missing, i, i + 1));
            else if (_options.FuseUnknown && symbols.Count > 0 && symbols[^1].Id == unknown && symbols[^1].End == i)
                symbols[^1] = symbols[^1] with { End = i + 1 };
            else
                symbols.Add(new(unknown, i, i + 1));
        }
        return [.. _merges.Apply(symbols), .. missing];
    }

    /// <summary>The token that a character begins as.</summary>
    private int? Symbol(AlignedText word, int index)
    {
        string prefix = index > 0 ? _options.ContinuingPrefix : "", suffix = index == word.Length - 1 ? _options.EndSuffix : "";
        bool found = prefix.Length + suffix.Length == 0
            ? _characters.TryGetValue(word[index], out int id)
            : Vocabulary.TryGetValue(prefix + new Rune(word[index]) + suffix, out id);
        return found ? id : null;
    }

    /// <summary>
    /// The parts of a long word between which nothing merges. Where nothing else cuts a text, this makes words of it, which come again;
    /// the tokens are the same.
    /// </summary>
    private List<TextRange> Cut(AlignedText word)
    {
        ReadOnlySpan<Glyph> glyphs = word.Glyphs;
        List<TextRange> parts = [];
        int start = 0;
        for (int i = 1; i < glyphs.Length; i++)
        {
            (int left, int right) = (glyphs[i - 1].CodePoint, glyphs[i].CodePoint);
            if (_merges.Join(left, right) || !_characters.ContainsKey(left) || !_characters.ContainsKey(right))
                continue;
            parts.Add(new(start, i));
            start = i;
        }
        parts.Add(new(start, glyphs.Length));
        return parts;
    }
}
