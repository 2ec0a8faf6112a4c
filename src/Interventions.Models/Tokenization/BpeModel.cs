using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using Interventions.ModelGraphs;
using Interventions.Runtime;

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
}

/// <summary>
/// Byte-pair encoding: a word begins as its characters; the pair with the lowest rank, the leftmost of equals, merges until none can.
/// </summary>
internal sealed class BpeModel(IReadOnlyDictionary<string, int> vocabulary, BpeMerges merges, BpeOptions options) : TokenModel(vocabulary)
{
    private readonly ByteTokens? _bytes = options.ByteFallback ? new ByteTokens(vocabulary) : null;
    private readonly int? _unknownId = options.Unknown is null ? null : vocabulary[options.Unknown];
    private readonly WordCache _cache = new();

    public override string? UnknownToken => options.Unknown;

    public static BpeModel Read(JsonField field)
    {
        if (field.Optional("dropout") is { } dropout && dropout.Number() != 0)
            throw dropout.Invalid("merges that are dropped at random are not supported: the same text would give other ids each time");
        foreach (string name in (string[])["continuing_subword_prefix", "end_of_word_suffix"])
            if (field.Optional(name) is { } affix && affix.String().Length > 0)
                throw affix.Unsupported("BPE option", name);

        Dictionary<string, int> vocabulary = field.Required("vocab").Vocabulary();
        string? unknown = field.Optional("unk_token")?.TokenOf(vocabulary);
        return new BpeModel(vocabulary, BpeMerges.Read(field.Required("merges"), vocabulary), new BpeOptions
        {
            Unknown = unknown,
            FuseUnknown = field.Optional("fuse_unk")?.Bool() ?? false,
            ByteFallback = field.Optional("byte_fallback")?.Bool() ?? false,
            IgnoreMerges = field.Optional("ignore_merges")?.Bool() ?? false,
        });
    }

    public override IReadOnlyList<ModelToken> Tokenize(AlignedText word) => _cache.Get(word, Compute);

    private ModelToken[] Compute(AlignedText word)
    {
        if (options.IgnoreMerges && Vocabulary.TryGetValue(word.Text, out int whole))
            return [new(whole, 0, word.Length)];

        List<ModelToken> symbols = new(word.Length), missing = [];
        for (int i = 0; i < word.Length; i++)
        {
            if (Vocabulary.TryGetValue(new Rune(word[i]).ToString(), out int id))
                symbols.Add(new(id, i, i + 1));
            else if (_bytes?.Spell(word.Slice(i, i + 1)) is { } bytes)
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

    /// <summary>The tokens of short words that were met before. It keeps the first 20,000: a text repeats its words early.</summary>
    private sealed class WordCache
    {
        private const int MaxWords = 20_000, MaxWordLength = 64;

        private readonly ConcurrentDictionary<string, ModelToken[]> _words = new(StringComparer.Ordinal);
        private int _count;

        public ModelToken[] Get(AlignedText word, Func<AlignedText, ModelToken[]> compute)
        {
            if (word.Length > MaxWordLength)
                return compute(word);
            if (_words.TryGetValue(word.Text, out ModelToken[]? known))
                return known;
            ModelToken[] tokens = compute(word);
            if (Volatile.Read(ref _count) < MaxWords && _words.TryAdd(word.Text, tokens))
                Interlocked.Increment(ref _count);
            return tokens;
        }
    }
}

/// <summary>The merges of a byte-pair encoding: pairs of ids that become one id, by rank.</summary>
internal sealed class BpeMerges
{
    private readonly Dictionary<(int Left, int Right), (int Rank, int Id)> _merges = [];
    private int _rank;

    /// <summary>
    /// The merges of a <c>tokenizer.json</c>: all as <c>"a b"</c> in older files, all as <c>["a", "b"]</c> in newer ones.
    /// </summary>
    public static BpeMerges Read(JsonField field, IReadOnlyDictionary<string, int> vocabulary)
    {
        BpeMerges merges = new();
        JsonValueKind? form = null;
        foreach (JsonField merge in field.Items())
        {
            form ??= merge.Kind;
            if (merge.Kind != form)
                throw merge.Invalid("strings and pairs are mixed");
            string[] parts = merge.Kind == JsonValueKind.String
                ? merge.String().Split(' ')
                : [.. merge.Items().Select(part => part.String())];
            if (merges.Add(parts, vocabulary) is { } reason)
                throw merge.Invalid(reason);
        }
        return merges;
    }

    /// <summary>The merges of a <c>merges.txt</c>: one a line, after a line that begins with <c>#version</c>.</summary>
    public static BpeMerges ReadText(string path, IReadOnlyDictionary<string, int> vocabulary)
    {
        BpeMerges merges = new();
        int number = 0;
        foreach (string line in File.ReadAllText(path).Split('\n'))
        {
            number++;
            string merge = line.TrimEnd('\r');
            if (merge.Length == 0 || merge.StartsWith("#version", StringComparison.Ordinal))
                continue;
            if (merges.Add(merge.Split(' '), vocabulary) is { } reason)
                throw new InvalidDataException($"{path}: line {number}: {reason}");
        }
        return merges;
    }

    /// <summary>Merges until no pair of neighbours can. It takes n log n steps, since a word may be a whole text.</summary>
    public IEnumerable<ModelToken> Apply(List<ModelToken> symbols)
    {
        if (symbols.Count < 2)
            return symbols;
        ModelToken[] tokens = [.. symbols];
        int[] next = [.. Enumerable.Range(1, tokens.Length)], previous = [.. Enumerable.Range(-1, tokens.Length)];    // a linked list
        PriorityQueue<(int Left, int Id), long> queue = new();
        for (int i = 0; i < tokens.Length - 1; i++)
            Consider(i);

        while (queue.TryDequeue(out (int Left, int Id) candidate, out _))
        {
            (int left, int right) = (candidate.Left, next[candidate.Left]);
            // An earlier merge may have taken either side; the candidate's pair is then gone.
            if (right == 0 || right == tokens.Length)
                continue;
            if (!_merges.TryGetValue((tokens[left].Id, tokens[right].Id), out (int Rank, int Id) merge) || merge.Id != candidate.Id)
                continue;

            tokens[left] = new(merge.Id, tokens[left].Start, tokens[right].End);
            next[left] = next[right];
            next[right] = 0;    // out of the list
            if (next[left] < tokens.Length)
            {
                previous[next[left]] = left;
                Consider(left);
            }
            if (previous[left] >= 0)
                Consider(previous[left]);
        }
        return Remaining();

        void Consider(int left)
        {
            if (_merges.TryGetValue((tokens[left].Id, tokens[next[left]].Id), out (int Rank, int Id) merge))
                queue.Enqueue((left, merge.Id), ((long)merge.Rank << 32) | (uint)left);
        }

        IEnumerable<ModelToken> Remaining()
        {
            for (int i = 0; i < tokens.Length; i = next[i])
                yield return tokens[i];
        }
    }

    /// <summary>Adds a merge with the next rank, or says why not. A pair given twice keeps the later rank, as in the reference.</summary>
    private string? Add(string[] parts, IReadOnlyDictionary<string, int> vocabulary)
    {
        if (parts.Length != 2)
            return $"a merge has two parts, not {parts.Length}";
        if (!vocabulary.TryGetValue(parts[0], out int left))
            return $"'{parts[0]}' is not in the vocabulary";
        if (!vocabulary.TryGetValue(parts[1], out int right))
            return $"'{parts[1]}' is not in the vocabulary";
        string whole = parts[0] + parts[1];
        if (!vocabulary.TryGetValue(whole, out int merged))
            return $"'{whole}', which the merge gives, is not in the vocabulary";
        _merges[(left, right)] = (_rank++, merged);
        return null;
    }
}
