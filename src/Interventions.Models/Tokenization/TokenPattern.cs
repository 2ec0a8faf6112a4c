using System.Text.RegularExpressions;
using Interventions.Runtime;

namespace Interventions.Models.Tokenization;

/// <summary>A pattern of a tokenizer file: a literal string, or a regular expression over code points.</summary>
internal sealed class TokenPattern
{
    // Some expressions take time that doubles with every character; files may come from anybody.
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(10);

    private readonly string? _literal;
    private readonly Regex? _regex;
    private readonly Shadow? _shadow;

    private TokenPattern(string? literal, Regex? regex, Shadow? shadow) => (_literal, _regex, _shadow) = (literal, regex, shadow);

    /// <summary>GPT-2's words: contractions, words, numbers and other runs with one space in front, and runs of white space.</summary>
    public static TokenPattern Gpt2 { get; } =
        OfRegex(@"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+");

    /// <summary>Words and runs of punctuation.</summary>
    public static TokenPattern Words { get; } = OfRegex(@"\w+|[^\w\s]+");

    public static TokenPattern OfLiteral(string literal) => new(literal, null, null);

    /// <summary>A regular expression.</summary>
    /// <param name="pattern">The expression, as tokenizer files write it.</param>
    /// <param name="limit">How long one match may take; 10 seconds if null.</param>
    /// <exception cref="FormatException">The expression is malformed, or .NET's engine would read a part of it differently.</exception>
    public static TokenPattern OfRegex(string pattern, TimeSpan? limit = null)
    {
        (string translated, Shadow shadow) = RegexTranslation.ToDotNet(pattern);
        try
        {
            // In the file's dialect ^ and $ always match at lines.
            return new(null, new Regex(translated, RegexOptions.CultureInvariant | RegexOptions.Multiline, limit ?? s_limit), shadow);
        }
        catch (ArgumentException e)
        {
            throw new FormatException($"the regular expression '{pattern}' is malformed or not supported: {e.Message}", e);
        }
    }

    /// <summary>A pattern as files write it: <c>{"String": "…"}</c> or <c>{"Regex": "…"}</c>.</summary>
    public static TokenPattern Read(JsonField field)
    {
        if (field.Optional("String") is { } literal)
            return literal.String() is { Length: > 0 } text ? OfLiteral(text) : throw literal.Invalid("an empty pattern");
        if (field.Optional("Regex") is not { } regex)
            throw field.Invalid("a pattern is {\"String\": …} or {\"Regex\": …}");
        try
        {
            return OfRegex(regex.String());
        }
        catch (FormatException e)
        {
            throw regex.Invalid(e.Message);
        }
    }

    /// <summary>The matches, from left to right, without empty ones.</summary>
    /// <exception cref="InvalidDataException">The regular expression takes too long for this text.</exception>
    public List<TextRange> Matches(AlignedText text)
    {
        if (_regex is not null)
            return RegexMatches(_regex, _shadow!.Of(text));
        List<TextRange> matches = [];
        ReadOnlySpan<Glyph> glyphs = text.Glyphs;
        int[] wanted = [.. _literal!.EnumerateRunes().Select(rune => rune.Value)];
        for (int i = 0; i + wanted.Length <= glyphs.Length; i++)
        {
            int n = 0;
            while (n < wanted.Length && glyphs[i + n].CodePoint == wanted[n])
                n++;
            if (n < wanted.Length)
                continue;
            matches.Add(new TextRange(i, i + n));
            i += n - 1;
        }
        return matches;
    }

    private static List<TextRange> RegexMatches(Regex regex, string text)
    {
        List<TextRange> matches = [];
        try
        {
            foreach (ValueMatch match in regex.EnumerateMatches(text))
                if (match.Length > 0)
                    matches.Add(new TextRange(match.Index, match.Index + match.Length));
        }
        catch (RegexMatchTimeoutException e)
        {
            throw new InvalidDataException(
                $"the tokenizer's regular expression '{regex}' takes more than {e.MatchTimeout.TotalSeconds:0.#} s for one match in a text "
                + $"of {text.Length} characters: it tries too many ways. Use a tokenizer file whose expression does not.", e);
        }
        return matches;
    }

    /// <summary>Replaces every match in a string.</summary>
    public string Replace(string text, string content)
    {
        if (_literal is not null)
            return text.Replace(_literal, content, StringComparison.Ordinal);
        AlignedText aligned = AlignedText.From(text);
        return aligned.Replace(Matches(aligned), content).Text;
    }
}
