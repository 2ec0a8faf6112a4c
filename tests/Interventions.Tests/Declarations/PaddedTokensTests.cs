namespace Interventions.Tests.Declarations;

/// <summary>Rows with padding become prompts without.</summary>
public sealed class PaddedTokensTests
{
    [Theory]
    [InlineData(0, 0)]
    [InlineData(2, 0)]
    [InlineData(0, 3)]
    [InlineData(1, 2)]
    public void Real_tokens_are_left(int left, int right)
    {
        RunTokens tokens = Padded.Around(new RunTokens([5, 0, 7], [2, 0]), left, right);
        Assert.Equal([5, 0, 7], tokens.Ids);
        Assert.Equal([2, 0], tokens.Positions);
    }

    [Fact]
    public void What_is_no_padded_prompt_is_refused()
    {
        Says("The mask has 2 entries for 3 tokens", [1, 1], []);
        Says("All 3 tokens are padding", [0, 0, 0], []);
        Says("there is padding between tokens 0 and 2", [1, 0, 1], []);
        Says("Position 0 is no real token; those are 1 to 2", [0, 1, 1], [1, 0]);
        Says("Position 2 is no real token; those are 0 to 1", [1, 1, 0], [2]);

        static void Says(string text, long[] mask, int[] positions) =>
            Assert.Contains(text, Assert.Throws<ArgumentException>(() => RunTokens.OfPadded([5, 6, 7], mask, positions)).Message);
    }
}
