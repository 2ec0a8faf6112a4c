namespace Interventions.Models.Tests.Prompts;

/// <summary>A prompt set compares its prompts with its vocabulary when it is made.</summary>
public sealed class PromptSetTests
{
    private static readonly RunTokens s_run = new([1, 2, 3], [0, 2]);

    public static TheoryData<PromptTokens?, string> Misfits => new()
    {
        { null, "prompt 1 of TinyPrompts is null" },
        { new PromptTokens([s_run, s_run], [4, 5]), "prompt 1 of TinyPrompts has 2 runs; its vocabulary names 3: clean, corrupted, other" },
        { new PromptTokens([s_run, s_run, s_run], [4]), "prompt 1 of TinyPrompts has 1 answers; its vocabulary names 2: right, wrong" },
        { Prompt(new RunTokens([], [])), "run 'other' has no tokens" },
        { Prompt(new RunTokens([1, 2, 3], [0])), "run 'other' has 1 positions; its vocabulary names 2: subject, end" },
        { Prompt(new RunTokens([1, 2, 3], [0, 3])), "run 'other': position 'end' is 3, outside its 3 tokens" },
        { Prompt(new RunTokens([1, 2], [0, 1])), "differ in length: 'clean' has 3 tokens, 'other' has 2" },
    };

    [Theory]
    [MemberData(nameof(Misfits))]
    public void A_prompt_that_does_not_fit_the_vocabulary_is_refused(PromptTokens? prompt, string message)
    {
        ArgumentException refused = Assert.Throws<ArgumentException>(() => TinyPrompts.FromTokens([Prompt(s_run), prompt!]));
        Assert.Contains(message, refused.Message);
    }

    private static PromptTokens Prompt(RunTokens other) => new([s_run, s_run, other], [4, 5]);
}
