using System.Text;
using System.Text.Json;

namespace Interventions.Models.Tokenization;

/// <summary>The merges of a byte-pair encoding: pairs of ids that become one id, by rank.</summary>
internal sealed class BpeMerges
{
    /// <summary>The most symbols that are merged by looking at all of them for each merge.</summary>
    private const int Short = 40;

    private static readonly (int Rank, int Id) s_none = (int.MaxValue, -1);

    private readonly Dictionary<long, (int Rank, int Id)> _merges = [];
    private readonly HashSet<long> _joints = [];    // the characters on both sides of a merge
    private int _rank;

    /// <summary>
    /// The merges of a <c>tokenizer.json</c>: all as <c>"a b"</c> in older files, all as <c>["a", "b"]</c> in newer ones.
    /// </summary>
    /// <param name="field">The list.</param>
    /// <param name="vocabulary">The tokens.</param>
    /// <param name="prefix">What is written before a right part, and not within the token that the merge gives.</param>
    public static BpeMerges Read(JsonField field, IReadOnlyDictionary<string, int> vocabulary, string prefix)
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
            if (merges.Add(parts, vocabulary, prefix) is { } reason)
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
            if (merges.Add(merge.Split(' '), vocabulary, prefix: "") is { } reason)
                throw new InvalidDataException($"{path}: line {number}: {reason}");
        }
        return merges;
    }

    /// <summary>Whether some merge joins a token that ends with one character and a token that begins with the other.</summary>
    public bool Join(int left, int right) => _joints.Contains(Pair(left, right));

    /// <summary>Merges until no pair of neighbours can.</summary>
    public List<ModelToken> Apply(List<ModelToken> symbols) => symbols.Count <= Short ? ApplyToFew(symbols) : ApplyToMany(symbols);

    /// <summary>Looks at all pairs for the next merge: of a few symbols, the fastest way.</summary>
    private List<ModelToken> ApplyToFew(List<ModelToken> symbols)
    {
        (int Rank, int Id)[] merges = new (int, int)[symbols.Count];    // of each symbol with the next one
        for (int i = 0; i < symbols.Count; i++)
            merges[i] = MergeAt(i);
        while (true)
        {
            int best = 0;
            for (int i = 1; i < symbols.Count; i++)
                if (merges[i].Rank < merges[best].Rank)
                    best = i;
            if (symbols.Count == 0 || merges[best].Rank == int.MaxValue)
                return symbols;
            symbols[best] = new(merges[best].Id, symbols[best].Start, symbols[best + 1].End);
            symbols.RemoveAt(best + 1);
            merges.AsSpan(best + 2).CopyTo(merges.AsSpan(best + 1));
            merges[best] = MergeAt(best);
            if (best > 0)
                merges[best - 1] = MergeAt(best - 1);
        }

        (int Rank, int Id) MergeAt(int left) => left + 1 < symbols.Count ? Merge(symbols[left].Id, symbols[left + 1].Id) : s_none;
    }

    /// <summary>Keeps the pairs in order. It takes n log n steps, since a word may be a whole text.</summary>
    private List<ModelToken> ApplyToMany(List<ModelToken> symbols)
    {
        int count = symbols.Count;
        int[] next = new int[count], previous = new int[count];    // a linked list; what is out of it has no next
        PriorityQueue<(int Left, int Id), long> queue = new(count);
        for (int i = 0; i < count; i++)
            (next[i], previous[i]) = (i + 1, i - 1);
        for (int i = 0; i < count - 1; i++)
            Consider(i);

        while (queue.TryDequeue(out (int Left, int Id) candidate, out _))
        {
            (int left, int right) = (candidate.Left, next[candidate.Left]);
            // An earlier merge may have taken either side; the candidate's pair is then gone.
            if (right == 0 || right == count || MergeAt(left).Id != candidate.Id)
                continue;

            symbols[left] = new(candidate.Id, symbols[left].Start, symbols[right].End);
            next[left] = next[right];
            next[right] = 0;
            if (next[left] < count)
            {
                previous[next[left]] = left;
                Consider(left);
            }
            if (previous[left] >= 0)
                Consider(previous[left]);
        }

        List<ModelToken> merged = [];
        for (int i = 0; i < count; i = next[i])
            merged.Add(symbols[i]);
        return merged;

        void Consider(int left)
        {
            if (MergeAt(left) is var merge && merge != s_none)
                queue.Enqueue((left, merge.Id), Pair(merge.Rank, left));
        }

        (int Rank, int Id) MergeAt(int left) => Merge(symbols[left].Id, symbols[next[left]].Id);
    }

    private (int Rank, int Id) Merge(int left, int right) =>
        _merges.TryGetValue(Pair(left, right), out (int Rank, int Id) merge) ? merge : s_none;

    /// <summary>Adds a merge with the next rank, or says why not. A pair given twice keeps the later rank, as in the reference.</summary>
    private string? Add(string[] parts, IReadOnlyDictionary<string, int> vocabulary, string prefix)
    {
        if (parts.Length != 2)
            return $"a merge has two parts, not {parts.Length}";
        if (!vocabulary.TryGetValue(parts[0], out int left))
            return $"'{parts[0]}' is not in the vocabulary";
        if (!vocabulary.TryGetValue(parts[1], out int right))
            return $"'{parts[1]}' is not in the vocabulary";
        if (!parts[1].StartsWith(prefix, StringComparison.Ordinal))
            return $"'{parts[1]}' does not begin with '{prefix}', as each token but a word's first does";
        string whole = parts[0] + parts[1][prefix.Length..];
        if (!vocabulary.TryGetValue(whole, out int merged))
            return $"'{whole}', which the merge gives, is not in the vocabulary";
        _merges[Pair(left, right)] = (_rank++, merged);
        if (parts[0].Length > 0 && parts[1].Length > 0)
            _joints.Add(Pair(parts[0].EnumerateRunes().Last().Value, parts[1].EnumerateRunes().First().Value));
        return null;
    }

    private static long Pair(int high, int low) => ((long)high << 32) | (uint)low;
}
