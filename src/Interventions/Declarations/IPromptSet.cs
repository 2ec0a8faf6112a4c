using Interventions.Declarations;
using Interventions.Tables;

namespace Interventions;

/// <summary>Prompts as token ids, several runs of each, with named positions and answers.</summary>
public interface IPromptSet
{
    /// <summary>The names.</summary>
    PromptVocabulary Vocabulary { get; }

    /// <summary>The prompts, in order.</summary>
    IReadOnlyList<PromptTokens> Prompts { get; }
}

/// <summary>One prompt: the same text in every run, token by token aligned.</summary>
/// <param name="Runs">A run's tokens, in the order of the vocabulary's runs.</param>
/// <param name="Answers">The answers' token ids, in the order of the vocabulary's answers.</param>
public sealed record PromptTokens(IReadOnlyList<RunTokens> Runs, IReadOnlyList<long> Answers)
{
    /// <summary>
    /// The number of the sentence pattern that the prompt was made from: a mean is taken over prompts of one template. Default: 0.
    /// </summary>
    public int Template { get; init; }

    /// <summary>The answers' texts, where the prompt was made of text.</summary>
    internal IReadOnlyList<string>? AnswerTexts { get; init; }

    /// <summary>How many tokens each answer's text has, where the first of several may count; one each where this is missing.</summary>
    internal IReadOnlyList<int>? AnswerLengths { get; init; }

    /// <summary>The names of runs, positions and answers, once the prompt is one of a set.</summary>
    internal PromptVocabulary? Vocabulary { get; init; }

    /// <summary>The prompt as a table: a line a token, a column a run.</summary>
    public override string ToString() => PromptTable.Of(this);
}

/// <summary>One prompt in one run.</summary>
/// <param name="Ids">Token ids, at least one.</param>
/// <param name="Positions">Token indices, in the order of the vocabulary's positions.</param>
public sealed record RunTokens(IReadOnlyList<long> Ids, IReadOnlyList<int> Positions)
{
    /// <summary>The tokens' texts, where the prompt was made of text.</summary>
    internal IReadOnlyList<string>? Texts { get; init; }

    /// <summary>The text with its positions marked, where the prompt was made of text.</summary>
    internal string? Marked { get; init; }

    /// <summary>
    /// The real tokens of a padded row, without the padding before and behind them. A run sees no padding, so it does not depend on where
    /// the padding was.
    /// </summary>
    /// <param name="ids">Token ids, padding included.</param>
    /// <param name="mask">1 for a real token, 0 for padding, as tokenizers give it.</param>
    /// <param name="positions">Token indices in <paramref name="ids"/>; the result has them counted among the real tokens.</param>
    /// <exception cref="ArgumentException">
    /// The mask has another length than the ids or no real token, there is padding between real tokens, or a position is padding.
    /// </exception>
    public static RunTokens OfPadded(IReadOnlyList<long> ids, IReadOnlyList<long> mask, IReadOnlyList<int> positions)
    {
        ArgumentNullException.ThrowIfNull(ids);
        ArgumentNullException.ThrowIfNull(mask);
        ArgumentNullException.ThrowIfNull(positions);
        if (mask.Count != ids.Count)
            throw new ArgumentException(
                $"The mask has {mask.Count} entries for {TextTable.Count(ids.Count, "token")}; it needs one a token.", nameof(mask));
        int[] real = [.. Enumerable.Range(0, ids.Count).Where(i => mask[i] != 0)];
        if (real.Length == 0)
            throw new ArgumentException($"All {TextTable.Count(ids.Count, "token")} are padding by the mask.", nameof(mask));
        if (real[^1] - real[0] >= real.Length)
        {
            throw new ArgumentException(
                $"By the mask there is padding between tokens {real[0]} and {real[^1]}; it can only stand before and behind a prompt.",
                nameof(mask));
        }
        foreach (int position in positions)
            if (position < real[0] || position > real[^1])
                throw new ArgumentException($"Position {position} is no real token; those are {real[0]} to {real[^1]}.", nameof(positions));
        return new RunTokens([.. real.Select(i => ids[i])], [.. positions.Select(position => position - real[0])]);
    }
}
