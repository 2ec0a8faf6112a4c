using Interventions.Runtime;

namespace Interventions.Models.Tokenization;

/// <summary>A token that is searched in the text itself, before anything splits it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Content">Its text.</param>
/// <param name="SingleWord">Not within a word: no word character on either side.</param>
/// <param name="StripLeft">It includes the white space before it.</param>
/// <param name="StripRight">It includes the white space after it.</param>
/// <param name="Normalized">It is searched in the normalized text, in its own normalized form.</param>
/// <param name="Special">Decoding may skip it.</param>
internal sealed record AddedToken(int Id, string Content, bool SingleWord, bool StripLeft, bool StripRight, bool Normalized, bool Special)
{
    public static AddedToken Read(JsonField field) => new(
        field.Required("id").Id(),
        field.Required("content").String(),
        field.Required("single_word").Bool(),
        field.Required("lstrip").Bool(),
        field.Required("rstrip").Bool(),
        field.Required("normalized").Bool(),
        field.Required("special").Bool());
}

/// <summary>The added tokens of a file, and the search for them.</summary>
internal sealed class AddedVocabulary
{
    private readonly AddedTokenFinder _raw = new(), _normalized = new();

    public AddedVocabulary(IEnumerable<AddedToken> tokens, Normalizer? normalizer)
    {
        foreach (AddedToken token in tokens)
        {
            if (token.Normalized)
                _normalized.Add(token, normalizer?.Invoke(AlignedText.From(token.Content)).Text ?? token.Content);
            else
                _raw.Add(token, token.Content);
        }
    }

    /// <summary>Cuts a text at its added tokens: first those of the raw text, then, in the rest, those of the normalized text.</summary>
    public IEnumerable<TextPart> Split(AlignedText text, Normalizer? normalizer) => _raw.Split(text).SelectMany(part =>
        part.Token is null ? _normalized.Split(normalizer?.Invoke(part.Text) ?? part.Text) : [part]);

    /// <summary>Reads a file's added tokens and checks that no id contradicts the model's vocabulary.</summary>
    public static List<AddedToken> Read(JsonField field, IReadOnlyDictionary<string, int> vocabulary)
    {
        List<AddedToken> tokens = [];
        Dictionary<string, int> ids = new(vocabulary, StringComparer.Ordinal);
        Dictionary<int, string> names = vocabulary.ToDictionary(pair => pair.Value, pair => pair.Key);
        foreach (JsonField item in field.Items())
        {
            AddedToken token = AddedToken.Read(item);
            if (token.Content.Length == 0)    // no text contains it; the reference implementation drops it too
                continue;
            if (ids.TryGetValue(token.Content, out int known) && known != token.Id)
                throw item.Invalid($"'{token.Content}' has the id {token.Id} here and {known} in the vocabulary");
            if (names.TryGetValue(token.Id, out string? name) && name != token.Content)
                throw item.Invalid($"'{token.Content}' has the id {token.Id}, which is that of '{name}'");
            ids[token.Content] = token.Id;
            names[token.Id] = token.Content;
            tokens.Add(token);
        }
        return tokens;
    }
}

/// <summary>A piece of a text: an added token, or text that is still to be encoded.</summary>
internal readonly record struct TextPart(AlignedText Text, AddedToken? Token);

/// <summary>Finds added tokens in a text: the leftmost, and of those the longest.</summary>
internal sealed class AddedTokenFinder
{
    private readonly CodePointTrie _trie = new();
    private readonly List<AddedToken> _tokens = [];

    /// <summary>Adds a token that has the given text. A token without text is never found.</summary>
    public void Add(AddedToken token, string text)
    {
        if (text.Length == 0)
            return;
        _trie.Add(text, _tokens.Count);
        _tokens.Add(token);
    }

    public IEnumerable<TextPart> Split(AlignedText text)
    {
        int done = 0;
        foreach ((TextRange match, AddedToken token) in Matches(text))
        {
            if (token.SingleWord && WordTouches(text, match))
                continue;
            (int start, int end) = match;
            if (token.StripLeft)
            {
                while (start > done && Characters.IsWhiteSpace(text[start - 1]))
                    start--;
                start = Math.Max(start, done);    // an earlier token may include this one's beginning
            }
            while (token.StripRight && end < text.Length && Characters.IsWhiteSpace(text[end]))
                end++;
            if (done < start)
                yield return new(text.Slice(done, start), null);
            yield return new(text.Slice(start, end), token);
            done = end;
        }
        if (done < text.Length)
            yield return new(text.Slice(done, text.Length), null);
    }

    /// <summary>Matches that do not overlap. A match that <see cref="Split"/> refuses still hides those that begin within it.</summary>
    private IEnumerable<(TextRange Match, AddedToken Token)> Matches(AlignedText text)
    {
        List<(int End, int Index)> found = [];
        for (int start = 0; start < text.Length;)
        {
            found.Clear();
            _trie.FindAt(text.Glyphs, start, found);
            if (found.Count == 0)
            {
                start++;
                continue;
            }
            (int end, int index) = found[^1];
            yield return (new TextRange(start, end), _tokens[index]);
            start = end;
        }
    }

    private static bool WordTouches(AlignedText text, TextRange match) =>
        (match.Start > 0 && Characters.IsWord(text[match.Start - 1]))
        || (match.End < text.Length && Characters.IsWord(text[match.End]));
}
