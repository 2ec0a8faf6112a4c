namespace Interventions.Models.Tokenization;

/// <summary>The merges of a byte-pair encoding: which pairs of ids become which id, and in which order.</summary>
internal sealed class BpeMerges
{
    private readonly Dictionary<(int Left, int Right), (int Rank, int Id)> _merges = [];

    /// <summary>Adds a merge; of a pair given twice the later rank holds, as in the reference implementation.</summary>
    public void Add(int left, int right, int merged, int rank) => _merges[(left, right)] = (rank, merged);

    /// <summary>Merges until no pair of neighbours can be: n log n in the length of the word, which may be a whole text.</summary>
    public IEnumerable<ModelToken> Apply(List<ModelToken> symbols)
    {
        if (symbols.Count < 2) return symbols;
        var tokens = symbols.ToArray();
        int[] next = new int[tokens.Length], previous = new int[tokens.Length];    // a linked list of what is left
        var queue = new PriorityQueue<(int Left, int Id), long>();
        for (int i = 0; i < tokens.Length; i++) (previous[i], next[i]) = (i - 1, i + 1);
        for (int i = 0; i < tokens.Length - 1; i++) Consider(i);

        while (queue.TryDequeue(out var candidate, out _))
        {
            int left = candidate.Left, right = next[left];
            // A merge since then may have taken either side: then this candidate is of a pair that is gone.
            if (right == 0 || right == tokens.Length) continue;
            if (!_merges.TryGetValue((tokens[left].Id, tokens[right].Id), out var merge) || merge.Id != candidate.Id) continue;

            tokens[left] = new(merge.Id, tokens[left].Start, tokens[right].End);
            next[left] = next[right];
            next[right] = 0;    // out of the list
            if (next[left] < tokens.Length)
            {
                previous[next[left]] = left;
                Consider(left);
            }
            if (previous[left] >= 0) Consider(previous[left]);
        }
        return Left();

        void Consider(int left)
        {
            if (_merges.TryGetValue((tokens[left].Id, tokens[next[left]].Id), out var merge))
                queue.Enqueue((left, merge.Id), ((long)merge.Rank << 32) | (uint)left);
        }

        IEnumerable<ModelToken> Left()
        {
            for (int i = 0; i < tokens.Length; i = next[i]) yield return tokens[i];
        }
    }
}
