namespace Interventions.Circuits;

/// <summary>
/// The programs by which RASP and its compiler are known (Weiss et al. 2021, arXiv:2106.06981; Lindner et al. 2023, arXiv:2301.05062), as
/// parts of a program that looks ahead and has a start token:
/// <c>new AttentionProgram("mirror", ["a", "b"], length: 5, looksAhead: true, start: "&lt;s&gt;")</c>.
/// </summary>
public static class RaspPrograms
{
    /// <summary>How many tokens the prompt has, at every position.</summary>
    /// <param name="program">The program that it becomes a part of.</param>
    /// <exception cref="ArgumentException">The program has no start token, or does so already.</exception>
    public static ProgramVariable<int> Length(AttentionProgram program)
    {
        Check(program);
        return program.Width("length", Selector.All);
    }

    /// <summary>How often a position's token is in the prompt.</summary>
    /// <inheritdoc cref="Length"/>
    public static ProgramVariable<int> Histogram(AttentionProgram program)
    {
        Check(program);
        return program.Width("histogram", Selector.Of(program.Tokens, program.Tokens, (key, query) => key == query));
    }

    /// <summary>The prompt from its end.</summary>
    /// <inheritdoc cref="Length"/>
    public static ProgramVariable<string> Reversed(AttentionProgram program)
    {
        ProgramVariable<int> mirrored = program.Map(
            "mirrored position", Length(program), program.Positions, (length, position) => length - 1 - position);
        return program.Aggregate(
            "reversed", Selector.Of(program.Positions, mirrored, (key, query) => key == query), program.Tokens);
    }

    /// <summary>The prompt's tokens in the order of the vocabulary.</summary>
    /// <inheritdoc cref="Length"/>
    public static ProgramVariable<string> Sorted(AttentionProgram program)
    {
        Check(program);
        // Tokens that are equal are told apart by their positions.
        ProgramVariable<(int Token, int Position)> order = program.Map(
            "order", program.Tokens, program.Positions, (token, position) => (program.Tokens.Values.IndexOf(token), position));
        ProgramVariable<int> place = program.Width(
            "sorted position", Selector.Of(order, order, (key, query) => key.CompareTo(query) < 0));
        return program.Aggregate("sorted", Selector.Of(place, program.Positions, (key, query) => key == query), program.Tokens);
    }

    /// <summary>The prompt, moved to the right; nothing at the first positions.</summary>
    /// <param name="program">The program that it becomes a part of.</param>
    /// <param name="by">How many positions; negative ones move it to the left.</param>
    /// <exception cref="ArgumentException">The program has no start token, or does so already.</exception>
    public static ProgramVariable<string> Shifted(AttentionProgram program, int by)
    {
        Check(program);
        return program.Aggregate(
            $"shifted by {by}", Selector.Of(program.Positions, program.Positions, (key, query) => key == query - by), program.Tokens);
    }

    /// <summary>The fraction of a token up to each position.</summary>
    /// <param name="program">The program that it becomes a part of.</param>
    /// <param name="token">The token.</param>
    /// <exception cref="ArgumentException">The program has no start token, or does so already.</exception>
    public static ProgramNumber FractionBefore(AttentionProgram program, string token)
    {
        Check(program);
        return program.Aggregate(
            $"fraction of {token}", Selector.Of(program.Positions, program.Positions, (key, query) => key <= query),
            program.Number($"is {token}", program.Tokens, other => other == token ? 1 : 0));
    }

    /// <summary>The fraction of an opening token up to each position less that of a closing one.</summary>
    /// <param name="program">The program that it becomes a part of.</param>
    /// <param name="open">The opening token.</param>
    /// <param name="close">The closing token.</param>
    /// <exception cref="ArgumentException">The program has no start token, or does so already.</exception>
    public static ProgramNumber PairBalance(AttentionProgram program, string open, string close) =>
        program.Sum("pair balance", FractionBefore(program, open), FractionBefore(program, close), secondFactor: -1);

    private static void Check(AttentionProgram program)
    {
        ArgumentNullException.ThrowIfNull(program);
        if (program.StartToken is null || !program.LooksAhead)
            throw new ArgumentException($"{program.Name} needs a start token, and to look ahead.", nameof(program));
    }
}
