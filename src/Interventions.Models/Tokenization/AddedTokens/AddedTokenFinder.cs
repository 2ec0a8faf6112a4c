namespace Interventions.Models.Tokenization;

/// <summary>A piece of a text: an added token, or text that is still to be encoded.</summary>
internal readonly record struct TextPart(AlignedText Text, AddedToken? Token);

/// <summary>Finds added tokens in a text: the leftmost, and of those the longest.</summary>
internal sealed class AddedTokenFinder
{
    private readonly CodePointTrie _trie = new();
    private readonly List<AddedToken> _tokens = [];

    /// <summary>Looks for <paramref name="token"/> under this text. An empty one is never found.</summary>
    public void Add(AddedToken token, string text)
    {
        if (text.Length == 0) return;
        _trie.Add(text, _tokens.Count);
        _tokens.Add(token);
    }

    public IEnumerable<TextPart> Split(AlignedText text)
    {
        int done = 0;
        foreach (var (match, token) in Matches(text))
        {
            if (token.SingleWord && WordTouches(text, match)) continue;
            int start = match.Start, end = match.End;
            if (token.StripLeft)
            {
                while (start > done && Characters.IsWhiteSpace(text[start - 1])) start--;
                start = Math.Max(start, done);    // an earlier token may have swallowed the beginning
            }
            while (token.StripRight && end < text.Length && Characters.IsWhiteSpace(text[end])) end++;
            if (done < start) yield return new(text.Slice(done, start), null);
            yield return new(text.Slice(start, end), token);
            done = end;
        }
        if (done < text.Length) yield return new(text.Slice(done, text.Length), null);
    }

    /// <summary>Matches do not overlap, whatever becomes of them: one refused for its neighbours still hides what begins in it.</summary>
    private IEnumerable<(TextRange Match, AddedToken Token)> Matches(AlignedText text)
    {
        var found = new List<(int End, int Index)>();
        for (int start = 0; start < text.Length;)
        {
            found.Clear();
            _trie.FindAt(text, start, found);
            if (found.Count == 0)
            {
                start++;
                continue;
            }
            var (end, index) = found[^1];
            yield return (new TextRange(start, end), _tokens[index]);
            start = end;
        }
    }

    private static bool WordTouches(AlignedText text, TextRange match) =>
        (match.Start > 0 && Characters.IsWord(text[match.Start - 1]))
        || (match.End < text.Length && Characters.IsWord(text[match.End]));
}
