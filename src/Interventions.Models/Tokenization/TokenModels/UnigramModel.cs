using System.Text.Json;
using Interventions.ModelGraphs;
using Interventions.Runtime;

namespace Interventions.Models.Tokenization;

/// <summary>The likeliest of all ways to cut a word into tokens, each with a log probability; what no token covers is unknown.</summary>
internal sealed class UnigramModel : TokenModel
{
    /// <summary>How much worse than the worst token an unknown character is: the reference implementation's number.</summary>
    private const double UnknownPenalty = 10;

    private readonly CodePointTrie _trie = new();
    private readonly string[] _tokens;
    private readonly double[] _scores;
    private readonly double _unknownScore;
    private readonly int? _unknownId;
    private readonly ByteTokens? _bytes;

    private UnigramModel(Dictionary<string, int> ids, string[] tokens, double[] scores, int? unknownId, bool byteFallback) : base(ids)
    {
        (_tokens, _scores, _unknownId) = (tokens, scores, unknownId);
        _unknownScore = scores.DefaultIfEmpty().Min() - UnknownPenalty;
        _bytes = byteFallback ? new ByteTokens(ids) : null;
        foreach (var (token, id) in ids) _trie.Add(token, id);
    }

    public override string? UnknownToken => _unknownId is { } id ? _tokens[id] : null;

    public static UnigramModel Read(JsonField field)
    {
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        var tokens = new List<string>();
        var scores = new List<double>();
        foreach (var entry in field.Required("vocab").Items())
        {
            JsonField[] pair = entry.Kind == JsonValueKind.Array ? [.. entry.Items()] : [];
            if (pair.Length != 2) throw entry.Invalid("an entry is a token and its score");
            if (!ids.TryAdd(pair[0].String(), tokens.Count)) throw entry.Invalid($"'{pair[0].String()}' is there twice");
            tokens.Add(pair[0].String());
            scores.Add(pair[1].Number());
        }
        int? unknownId = null;
        if (field.Optional("unk_id") is { } unk && (unknownId = unk.Id()) >= tokens.Count)
            throw unk.Invalid($"{unknownId} is outside the vocabulary of {tokens.Count}");
        return new(ids, [.. tokens], [.. scores], unknownId, field.Optional("byte_fallback")?.Bool() ?? false);
    }

    public override IReadOnlyList<ModelToken> Tokenize(AlignedText word)
    {
        var result = new List<ModelToken>();
        foreach (var token in BestPath(word))
        {
            if (token.Id != ModelToken.Missing)
                result.Add(token);
            else if (Spell(word, token) is { } bytes)
                result.AddRange(bytes.Select(id => token with { Id = id }));
            else
                result.Add(token with { Id = _unknownId ?? ModelToken.Missing });
        }
        return result;
    }

    /// <summary>Viterbi: the best way to reach each place. Neighbouring unknown characters are one token.</summary>
    private List<ModelToken> BestPath(AlignedText word)
    {
        var best = new (double Score, int From, int Id)[word.Length + 1];
        Array.Fill(best, (double.NegativeInfinity, -1, ModelToken.Missing));
        best[0].Score = 0;
        var found = new List<(int End, int Id)>();
        for (int start = 0; start < word.Length; start++)
        {
            found.Clear();
            _trie.FindAt(word, start, found);
            bool covered = false;
            foreach (var (end, id) in found)
            {
                Reach(start, end, id, _scores[id]);
                covered |= end == start + 1;
            }
            if (!covered) Reach(start, start + 1, ModelToken.Missing, _unknownScore);
        }

        var path = new List<ModelToken>();
        for (int end = word.Length; end > 0; end = best[end].From)
        {
            var token = new ModelToken(best[end].Id == _unknownId ? ModelToken.Missing : best[end].Id, best[end].From, end);
            if (token.Id == ModelToken.Missing && path.Count > 0 && path[^1].Id == ModelToken.Missing)
                path[^1] = path[^1] with { Start = token.Start };
            else
                path.Add(token);
        }
        path.Reverse();
        return path;

        void Reach(int start, int end, int id, double score)
        {
            double total = best[start].Score + score;
            if (best[end].From < 0 || total > best[end].Score) best[end] = (total, start, id);
        }
    }

    private List<int>? Spell(AlignedText word, ModelToken token)
    {
        if (_bytes is null) return null;
        var ids = new List<int>();
        for (int i = token.Start; i < token.End; i++)
        {
            if (_bytes.Spell(word[i]) is not { } bytes) return null;
            ids.AddRange(bytes);
        }
        return ids;
    }
}
