using System.Globalization;
using Interventions.Models.Tokenization;

namespace Interventions.Models.Tests.Tokenization;

/// <summary>Regular expressions of tokenizer files, read as their dialect means them.</summary>
public sealed class TokenPatternTests
{
    [Theory]
    [InlineData(@"\p{L}+", "a\U00010400\U00020000b1", "a\U00010400\U00020000b")]    // letters beyond U+FFFF
    [InlineData(@"\p{Lu}", "\U00010428\U00010400", "\U00010400")]
    [InlineData(@"\p{N}", "x\U0001D7DF", "\U0001D7DF")]
    [InlineData(@"[^\s\p{L}\p{N}]+", "a\U0001F600! ", "\U0001F600!")]
    [InlineData(@"\w+", "-Ⅷⓐ\u200D½", "Ⅷⓐ\u200D")]
    [InlineData(@"\s", "\uFEFF\u200B\u180E\u0085", "\u0085")]
    [InlineData(@"(?i:'s)", "x'S", "'S")]
    [InlineData(@"^b", "a\nb", "b")]    // always at lines
    [InlineData("[𐐀-𐑏]+", "\U0001D400\U00010400\U00010428\u2102", "\U00010400\U00010428")]    // a class of letters beyond U+FFFF
    [InlineData("[^𐐀-𐑏]+", "\U00010400\U0001D400\u2102\U00010428", "\U0001D400\u2102")]
    [InlineData("[Ȁ-鿿]+", "\U0001D400\u2102", "\u2102")]    // holds ℂ, which stands for other letters elsewhere
    [InlineData("[\uF900-😀]+", "a\uFF21\U00010400\U0001F600\U0001F601", "\uFF21\U00010400\U0001F600")]
    public void Classes_hold_for_code_points(string pattern, string text, string expected)
    {
        AlignedText aligned = AlignedText.From(text);
        TextRange match = TokenPattern.OfRegex(pattern).Matches(aligned)[0];
        Assert.Equal(expected, aligned.Slice(match.Start, match.End).Text);
    }

    [Theory]
    [InlineData("(a")]
    [InlineData("[a")]
    [InlineData("[a&&[b]]")]
    [InlineData("[[:alpha:]]")]
    [InlineData(@"\p{Han}")]
    [InlineData(@"[\W]")]
    [InlineData(@"\bfoo")]
    [InlineData("(?m:a)")]
    [InlineData("a++")]
    [InlineData("\U0001F600")]
    [InlineData("[a-\\d]")]
    [InlineData(@"[一-\uFFFF]")]    // would take stand-ins for other characters
    [InlineData("a\\")]
    public void A_pattern_with_another_meaning_in_NET_is_refused(string pattern) =>
        Assert.Throws<FormatException>(() => TokenPattern.OfRegex(pattern));

    [Fact]
    public void A_pattern_that_tries_too_many_ways_is_given_up()
    {
        TokenPattern pattern = TokenPattern.OfRegex(@"(?:\w|\w\w)+[.!]", TimeSpan.FromMilliseconds(100));
        Assert.Single(pattern.Matches(AlignedText.From("aa!")));
        string message = Assert.Throws<InvalidDataException>(() => pattern.Matches(AlignedText.From(new string('a', 60)))).Message;
        Assert.Contains("takes more than 0.1 s for one match in a text of 60 characters", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_stand_in_is_of_the_category_it_stands_for()
    {
        Shadow shadow = new([], hasWords: false);
        for (int codePoint = 0x10000; codePoint <= 0x10FFFF; codePoint++)
        {
            char standIn = shadow.Of(AlignedText.From(char.ConvertFromUtf32(codePoint)))[0];
            if (CharUnicodeInfo.GetUnicodeCategory(codePoint) != char.GetUnicodeCategory(standIn))
                Assert.Fail($"U+{codePoint:X}");
        }
    }
}
