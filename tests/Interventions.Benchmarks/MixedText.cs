using System.Globalization;
using System.Text;

namespace Interventions.Benchmarks;

/// <summary>
/// Documents such as a corpus has: mostly prose, whose words come as often as Zipf's law says, beside code, numbers, other scripts and
/// emoji. The same at every call.
/// </summary>
internal sealed class MixedText
{
    private const int Words = 30_000;

    private static readonly string[] s_frequent =
    [
        "the", "of", "and", "to", "in", "a", "is", "that", "for", "it", "as", "was", "with", "be", "by", "on", "not", "he", "his", "but",
        "at", "are", "this", "have", "from", "or", "had", "an", "they", "which", "one", "you", "were", "all", "her", "she", "there",
        "would", "their", "we", "him", "been", "has", "when", "who", "will", "no", "more", "if", "out", "so", "up", "said", "what", "its",
        "about",
    ];

    private static readonly string[] s_syllables =
    [
        "al", "an", "ar", "be", "ca", "ci", "con", "cu", "da", "de", "di", "en", "er", "es", "fi", "gen", "ha", "ing", "in", "la", "le",
        "li", "ly", "ma", "me", "mi", "ment", "na", "ne", "or", "pa", "per", "po", "pro", "ra", "re", "ri", "ro", "sa", "se", "si", "sta",
        "ta", "te", "ter", "ti", "tion", "to", "tra", "tu", "un", "ver", "vi", "wa",
    ];

    /// <summary>
    /// First and last letters of other scripts: accented Latin, Cyrillic, Greek, Arabic, Devanagari, Thai, kana, Chinese, Hangul.
    /// </summary>
    private static readonly (int First, int Last)[] s_scripts =
    [
        (0xE0, 0xFF), (0x430, 0x44F), (0x3B1, 0x3C9), (0x627, 0x64A), (0x905, 0x939), (0xE01, 0xE2E), (0x3042, 0x3093), (0x4E00, 0x5FFF),
        (0xAC00, 0xB000),
    ];

    private readonly Random _random = new(1);
    private readonly string[] _words = new string[Words];

    public MixedText()
    {
        for (int i = 0; i < Words; i++)
            _words[i] = i < s_frequent.Length ? s_frequent[i] : Join(_random.Next(1, 5), "", () => Pick(s_syllables));
    }

    /// <summary>Documents of 1 to 8 thousand characters, until they have so many bytes in UTF-8.</summary>
    public IReadOnlyList<string> Documents(int bytes)
    {
        List<string> documents = [];
        for (int total = 0; total < bytes; total += Encoding.UTF8.GetByteCount(documents[^1]))
        {
            StringBuilder document = new();
            int length = _random.Next(1000, 8000);
            while (document.Length < length)
                document.Append(Paragraph()).Append(_random.Next(3) == 0 ? "\n" : "\n\n");
            documents.Add(document.ToString());
        }
        return documents;
    }

    private string Paragraph() => _random.Next(100) switch
    {
        < 70 => Join(_random.Next(2, 7), " ", Sentence),
        < 85 => Join(_random.Next(2, 9), "\n", CodeLine),
        < 92 => Join(_random.Next(1, 6), "\n", () => $"| {Word()} | {Number()} | 20{_random.Next(10, 30)}-0{_random.Next(1, 10)}-17 |"),
        < 98 => Foreign(),
        _ => $"{Sentence()} {Join(_random.Next(1, 5), "", () => char.ConvertFromUtf32(_random.Next(0x1F600, 0x1F64F)))}",
    };

    private string Sentence()
    {
        string text = Join(_random.Next(5, 25), " ", () => _random.Next(30) switch
        {
            0 => Word() + ",",
            1 => Word() + Pick(["'s", "n't", "'re", "'ll"]),
            2 => Number(),
            3 => Capital(Word()),
            4 => $"({Word()})",
            _ => Word(),
        });
        return Capital(text) + Pick([".", ".", ".", "?", "!", ":"]);
    }

    private string CodeLine() => new string(' ', 4 * _random.Next(4)) + _random.Next(4) switch
    {
        0 => $"if ({Word()}_{Word()} != {Number()}) {{",
        1 => $"{Word()}.{Word()}({Word()}, \"{Word()}\");  // {Word()} {Word()}",
        2 => $"const {Word()}{Capital(Word())} = [{Number()}, {Number()}];",
        _ => "}",
    };

    private string Foreign()
    {
        (int first, int last) = s_scripts[_random.Next(s_scripts.Length)];
        return Join(_random.Next(10, 40), " ", () => Join(_random.Next(1, 8), "", Letter));

        string Letter() => char.ConvertFromUtf32(_random.Next(first, last + 1));
    }

    /// <summary>The word of rank n comes about 1 / n times as often as the first.</summary>
    private string Word() => _words[(int)Math.Pow(Words, _random.NextDouble()) - 1];

    private string Number() => _random.Next(_random.Next(2) == 0 ? 100 : 100_000).ToString(CultureInfo.InvariantCulture);

    private T Pick<T>(T[] from) => from[_random.Next(from.Length)];

    private static string Capital(string word) => char.ToUpperInvariant(word[0]) + word[1..];

    private static string Join(int count, string between, Func<string> part) =>
        string.Join(between, Enumerable.Range(0, count).Select(_ => part()));
}
