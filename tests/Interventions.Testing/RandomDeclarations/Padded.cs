namespace Interventions.Testing.RandomDeclarations;

/// <summary>Prompts as batches of other programs have them.</summary>
public static class Padded
{
    /// <summary>The same tokens, from a row with padding before and behind them.</summary>
    public static RunTokens Around(RunTokens tokens, int left, int right) => RunTokens.OfPadded(
        [.. Enumerable.Repeat(0L, left), .. tokens.Ids, .. Enumerable.Repeat(0L, right)],
        [.. Enumerable.Repeat(0L, left), .. tokens.Ids.Select(_ => 1L), .. Enumerable.Repeat(0L, right)],
        [.. tokens.Positions.Select(position => left + position)]);

    /// <summary>The same prompts as rows of one width, with that much of the padding of each on the left.</summary>
    public static RandomPrompts Around(RandomPrompts prompts, int width, Func<int, double> left) => new(
    [
        .. prompts.Prompts.Select((prompt, i) => prompt with
        {
            Runs = [.. prompt.Runs.Select(run => Around(
                run, (int)((width - run.Ids.Count) * left(i)), width - run.Ids.Count - (int)((width - run.Ids.Count) * left(i))))],
        }),
    ]);
}
