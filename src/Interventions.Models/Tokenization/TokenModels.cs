using System.Text;
using System.Text.Json;
using Interventions.ModelGraphs;
using Interventions.Runtime;

namespace Interventions.Models.Tokenization;

/// <summary>A token within a word, by the code points it covers. <see cref="Missing"/> marks characters without a token.</summary>
internal readonly record struct ModelToken(int Id, int Start, int End)
{
    public const int Missing = -1;

    /// <summary>This token, of a part that begins at a place of the word.</summary>
    public ModelToken Behind(int start) => new(Id, start + Start, start + End);
}

/// <summary>Turns a word into tokens: the format's <c>model</c>.</summary>
internal abstract class TokenModel
{
    private readonly WordCache _cache;

    protected TokenModel(IReadOnlyDictionary<string, int> vocabulary) => (Vocabulary, _cache) = (vocabulary, new WordCache(Compute));

    /// <summary>The model's own tokens and their ids. Added tokens need not be among them.</summary>
    public IReadOnlyDictionary<string, int> Vocabulary { get; }

    /// <summary>The token for text outside the vocabulary, if the file names one.</summary>
    public abstract string? UnknownToken { get; }

    /// <summary>The tokens of a word, in order. Safe from several threads.</summary>
    public ModelToken[] Tokenize(AlignedText word) => _cache.Get(word);

    /// <summary>The tokens of a word that was not met before.</summary>
    protected abstract ModelToken[] Compute(AlignedText word);
}

/// <summary>The models that a file can name. The most common, byte-pair encoding, is <see cref="BpeModel"/>.</summary>
internal static class TokenModels
{
    /// <summary>Chooses a model by its <c>type</c>. If an older file has no type, merges show that it is byte-pair encoding.</summary>
    public static TokenModel Read(JsonField field) =>
        (field.Optional("type")?.String() ?? (field.Optional("merges") is null ? null : "BPE")) switch
        {
            "BPE" => BpeModel.Read(field),
            "WordPiece" => WordPieceModel.Read(field),
            "WordLevel" => WordLevelModel.Read(field),
            "Unigram" => UnigramModel.Read(field),
            null => throw field.Invalid("has neither a type nor merges"),
            string type => throw field.Unsupported("model", type),
        };
}

/// <summary>Each word is one token, or unknown.</summary>
internal sealed class WordLevelModel(IReadOnlyDictionary<string, int> vocabulary, string unknown) : TokenModel(vocabulary)
{
    private readonly int _unknownId = vocabulary[unknown];

    public override string UnknownToken => unknown;

    public static WordLevelModel Read(JsonField field)
    {
        Dictionary<string, int> vocabulary = field.Required("vocab").Vocabulary();
        return new(vocabulary, field.Required("unk_token").TokenOf(vocabulary));
    }

    protected override ModelToken[] Compute(AlignedText word) =>
        [new(Vocabulary.GetValueOrDefault(word.Text, _unknownId), 0, word.Length)];
}

/// <summary>Cuts a word into the likeliest tokens: the sum of their log probabilities is the greatest.</summary>
internal sealed class UnigramModel : TokenModel
{
    /// <summary>The score of an unknown character lies this far below the worst token's: the reference implementation's number.</summary>
    private const double UnknownPenalty = 10;

    private readonly CodePointTrie _trie = new();
    private readonly double[] _scores;
    private readonly double _unknownScore;
    private readonly int? _unknownId;
    private readonly ByteTokens? _bytes;

    private UnigramModel(Dictionary<string, int> ids, double[] scores, int? unknownId, bool byteFallback) : base(ids)
    {
        (_scores, _unknownId) = (scores, unknownId);
        UnknownToken = ids.FirstOrDefault(pair => pair.Value == unknownId).Key;
        _unknownScore = scores.DefaultIfEmpty().Min() - UnknownPenalty;
        _bytes = byteFallback ? new ByteTokens(ids) : null;
        foreach ((string token, int id) in ids)
            _trie.Add(token, id);
    }

    public override string? UnknownToken { get; }

    public static UnigramModel Read(JsonField field)
    {
        Dictionary<string, int> ids = new(StringComparer.Ordinal);
        List<double> scores = [];
        foreach (JsonField entry in field.Required("vocab").Items())
        {
            if (entry.Kind != JsonValueKind.Array || entry.Items().ToArray() is not [JsonField token, JsonField score])
                throw entry.Invalid("an entry is a token and its score");
            if (!ids.TryAdd(token.String(), scores.Count))
                throw entry.Invalid($"'{token.String()}' is there twice");
            scores.Add(score.Number());
        }
        int? unknownId = null;
        if (field.Optional("unk_id") is { } unk && (unknownId = unk.Id()) >= scores.Count)
            throw unk.Invalid($"{unknownId} is outside the vocabulary of {scores.Count}");
        return new(ids, [.. scores], unknownId, field.Optional("byte_fallback")?.Bool() ?? false);
    }

    protected override ModelToken[] Compute(AlignedText word)
    {
        List<ModelToken> result = [];
        foreach (ModelToken token in BestPath(word))
        {
            if (token.Id != ModelToken.Missing)
                result.Add(token);
            else if (_bytes?.Spell(word.Slice(token.Start, token.End)) is { } bytes)
                result.AddRange(bytes.Select(id => token with { Id = id }));
            else
                result.Add(token with { Id = _unknownId ?? ModelToken.Missing });
        }
        return [.. result];
    }

    /// <summary>Viterbi's algorithm: the best way to reach each place. Neighbouring unknown characters become one token.</summary>
    private List<ModelToken> BestPath(AlignedText word)
    {
        (double Score, int From, int Id)[] best = new (double, int, int)[word.Length + 1];
        Array.Fill(best, (double.NegativeInfinity, -1, ModelToken.Missing));
        best[0].Score = 0;
        List<(int End, int Id)> found = [];
        for (int start = 0; start < word.Length; start++)
        {
            found.Clear();
            _trie.FindAt(word.Glyphs, start, found);
            foreach ((int end, int id) in found)
                Reach(start, end, id, _scores[id]);
            if (found.Count == 0 || found[0].End > start + 1)    // no token is this character alone
                Reach(start, start + 1, ModelToken.Missing, _unknownScore);
        }
        return Backwards();

        void Reach(int start, int end, int id, double score)
        {
            double total = best[start].Score + score;
            if (best[end].From < 0 || total > best[end].Score)
                best[end] = (total, start, id);
        }

        List<ModelToken> Backwards()
        {
            List<ModelToken> path = [];
            for (int end = word.Length; end > 0; end = best[end].From)
            {
                ModelToken token = new(best[end].Id == _unknownId ? ModelToken.Missing : best[end].Id, best[end].From, end);
                if (token.Id == ModelToken.Missing && path.Count > 0 && path[^1].Id == ModelToken.Missing)
                    path[^1] = path[^1] with { Start = token.Start };
                else
                    path.Add(token);
            }
            path.Reverse();
            return path;
        }
    }
}

/// <summary>The tokens <c>&lt;0x00&gt;</c> to <c>&lt;0xFF&gt;</c>, which spell characters that are not in the vocabulary.</summary>
internal sealed class ByteTokens(IReadOnlyDictionary<string, int> vocabulary)
{
    private readonly int?[] _ids =
        [.. Enumerable.Range(0, 256).Select(value => vocabulary.TryGetValue($"<0x{value:X2}>", out int id) ? id : (int?)null)];

    /// <summary>The ids of a text's bytes, or <see langword="null"/> if one of them has no token.</summary>
    public int[]? Spell(AlignedText text)
    {
        int?[] ids = [.. Encoding.UTF8.GetBytes(text.Text).Select(value => _ids[value])];
        return ids.All(id => id is not null) ? [.. ids.Select(id => id!.Value)] : null;
    }
}
