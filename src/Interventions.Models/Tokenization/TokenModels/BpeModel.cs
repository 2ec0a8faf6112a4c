using System.Text;
using Interventions.ModelGraphs;

namespace Interventions.Models.Tokenization;

/// <summary>How a byte-pair encoding treats words, beside its merges.</summary>
/// <param name="Unknown">The token for characters outside the vocabulary; without one they get no token.</param>
/// <param name="FuseUnknown">Neighbouring unknown characters are one token.</param>
/// <param name="ByteFallback">Characters outside the vocabulary are spelt in bytes where the vocabulary has them.</param>
/// <param name="IgnoreMerges">A word that is a token is that token, whatever the merges would give.</param>
internal sealed record BpeOptions(string? Unknown, bool FuseUnknown, bool ByteFallback, bool IgnoreMerges);

/// <summary>
/// Byte-pair encoding: a word begins as its characters; the pair with the lowest rank, the leftmost of equals, merges until none can.
/// </summary>
internal sealed class BpeModel(IReadOnlyDictionary<string, int> vocabulary, BpeMerges merges, BpeOptions options) : TokenModel(vocabulary)
{
    private readonly ByteTokens? _bytes = options.ByteFallback ? new ByteTokens(vocabulary) : null;
    private readonly int? _unknownId = options.Unknown is null ? null : vocabulary[options.Unknown];
    private readonly WordCache _cache = new();

    public override string? UnknownToken => options.Unknown;

    public override IReadOnlyList<ModelToken> Tokenize(AlignedText word) => _cache.Get(word, Compute);

    private ModelToken[] Compute(AlignedText word)
    {
        if (options.IgnoreMerges && Vocabulary.TryGetValue(word.Text, out int whole)) return [new(whole, 0, word.Length)];

        var symbols = new List<ModelToken>(word.Length);
        var missing = new List<ModelToken>();
        for (int i = 0; i < word.Length; i++)
        {
            if (Vocabulary.TryGetValue(new Rune(word[i]).ToString(), out int id))
                symbols.Add(new(id, i, i + 1));
            else if (_bytes?.Spell(word[i]) is { } bytes)
                symbols.AddRange(bytes.Select(value => new ModelToken(value, i, i + 1)));
            else if (_unknownId is not { } unknown)
                missing.Add(new(ModelToken.Missing, i, i + 1));
            else if (options.FuseUnknown && symbols.Count > 0 && symbols[^1].Id == unknown && symbols[^1].End == i)
                symbols[^1] = symbols[^1] with { End = i + 1 };
            else
                symbols.Add(new(unknown, i, i + 1));
        }
        return [.. merges.Apply(symbols), .. missing];
    }
}
