using Interventions.Runtime;

namespace Interventions.Models.Tokenization;

/// <summary>The added tokens of a file, and where they are in a text.</summary>
internal sealed class AddedVocabulary
{
    private readonly AddedTokenFinder _raw = new(), _normalized = new();

    public AddedVocabulary(IEnumerable<AddedToken> tokens, INormalizer? normalizer)
    {
        foreach (var token in tokens)
        {
            ById[token.Id] = token;
            if (!token.Normalized) _raw.Add(token, token.Content);
            else _normalized.Add(token, normalizer?.Normalize(AlignedText.From(token.Content)).Text ?? token.Content);
        }
    }

    public Dictionary<int, AddedToken> ById { get; } = [];

    /// <summary>Cuts a text at its added tokens, those of the raw text first, and normalizes what is between them.</summary>
    public IEnumerable<TextPart> Split(AlignedText text, INormalizer? normalizer)
    {
        foreach (var part in _raw.Split(text))
        {
            if (part.Token is not null)
                yield return part;
            else
                foreach (var inner in _normalized.Split(normalizer?.Normalize(part.Text) ?? part.Text)) yield return inner;
        }
    }

    /// <summary>Reads a file's added tokens and holds them against the model's vocabulary.</summary>
    public static List<AddedToken> Read(JsonField field, IReadOnlyDictionary<string, int> vocabulary)
    {
        var tokens = new List<AddedToken>();
        var ids = new Dictionary<string, int>(vocabulary, StringComparer.Ordinal);
        var names = vocabulary.ToDictionary(pair => pair.Value, pair => pair.Key);
        foreach (var item in field.Items())
        {
            var token = AddedToken.Read(item);
            if (token.Content.Length == 0) continue;    // never found in a text; the reference implementation drops it too
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
