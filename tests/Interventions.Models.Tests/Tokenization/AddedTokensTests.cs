namespace Interventions.Models.Tests.Tokenization;

/// <summary>Tokens that are found in the text before anything splits it.</summary>
public sealed class AddedTokensTests
{
    [Theory]
    [InlineData(false, false, false, "b <x> b", 2)]
    [InlineData(false, true, false, "b <x> b", 1)]
    [InlineData(false, true, true, "b <x> b", 1)]
    [InlineData(true, false, false, "b<x>b", -1)]
    [InlineData(true, false, false, "b-<x>-b", 2)]
    public void Added_tokens_keep_their_flags(bool singleWord, bool left, bool right, string text, int start)
    {
        HuggingFaceTokenizer tokenizer = TokenizerFolder.LoadWith(
            "\"pre_tokenizer\": {\"type\": \"WhitespaceSplit\"}", (singleWord, left, right));
        EncodedText encoded = tokenizer.Encode(text);
        int index = encoded.Tokens.ToList().IndexOf("<x>");
        Assert.Equal(start, index < 0 ? -1 : encoded.Offsets[index].Start.Value);
        if (right)
            Assert.Equal(6, encoded.Offsets[index].End.Value);
    }
}
