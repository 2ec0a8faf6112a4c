using System.Text.Json;
using System.Text.RegularExpressions;
using Interventions.Models.Prompts.Tasks;
using Interventions.Models.Tests.Tokenization;

namespace Interventions.Models.Tests.Prompts;

/// <summary>Tokenizers of whole words with the space in front of them, which know what the tasks say.</summary>
internal static class TaskTokenizers
{
    private const string Letters = " ?[A-Za-z]+|", Rest = "|\\s+|[^\\sA-Za-z\\d]";

    /// <summary>Every word of the tasks is a token, and so are two digits.</summary>
    public static readonly HuggingFaceTokenizer All = Without([]);

    /// <summary>Every word is a token, and so is every digit.</summary>
    public static readonly HuggingFaceTokenizer Digits = Create(Letters + " ?\\d" + Rest, []);

    /// <summary>Words that are not known at all: what they stand in is refused.</summary>
    public static HuggingFaceTokenizer Without(HashSet<string> words) => Create(Letters + " ?\\d\\d| ?\\d" + Rest, words);

    private static HuggingFaceTokenizer Create(string pattern, HashSet<string> unknown)
    {
        IEnumerable<string> pieces = Texts().SelectMany(text => Regex.Matches(text, pattern).Select(match => match.Value))
            .SelectMany(piece => char.IsLetterOrDigit(piece[^1]) ? [piece.TrimStart(), " " + piece.TrimStart()] : new[] { piece })
            .Where(piece => !unknown.Contains(piece.TrimStart()));
        Dictionary<string, int> vocabulary = pieces.Distinct().Order(StringComparer.Ordinal).Prepend("[UNK]").Index()
            .ToDictionary(piece => piece.Item, piece => piece.Index);
        return TokenizerFolder.Load($$"""
            {
              "version": "1.0", "normalizer": null, "post_processor": null, "decoder": { "type": "Fuse" },
              "added_tokens": [{ "id": 0, "content": "[UNK]", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
                "special": true }],
              "pre_tokenizer": { "type": "Split", "pattern": { "Regex": {{JsonSerializer.Serialize(pattern)}} },
                "behavior": "Isolated", "invert": false },
              "model": { "type": "WordLevel", "unk_token": "[UNK]", "vocab": {{JsonSerializer.Serialize(vocabulary)}} }
            }
            """);
    }

    /// <summary>Texts that hold every word of the tasks.</summary>
    private static IEnumerable<string> Texts() =>
    [
        .. IoiWords.Templates, .. GenderedPronounTask.DefaultTemplates, DocstringTask.Template,
        "The x lasted from the year 17 to the year", "What is the capital of {subject}?\nA. x\nB. y\nAnswer:", "x's he she",
        string.Join(' ', [
            .. IoiWords.Places, .. IoiWords.Objects, .. FirstNames.Feminine, .. FirstNames.Masculine, .. GreaterThanTask.Nouns,
            .. DocstringTask.Words, .. KnownCapitals.All.SelectMany(known => new[] { known.Country, known.Capital }),
            .. Enumerable.Range('A', 26).Select(letter => $"{(char)letter}"), .. Enumerable.Range(0, 100).Select(number => $"{number:D2}"),
            .. Enumerable.Range(0, 10).Select(number => $"{number}"),
        ]),
    ];
}
