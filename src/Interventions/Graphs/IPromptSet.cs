using Interventions.Sites;

namespace Interventions.Graphs;

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
    /// <summary>Which sentence pattern the prompt was made from: a mean is taken over prompts of one template. Default: 0, the same for all.</summary>
    public int Template { get; init; }
}

/// <summary>One prompt in one run.</summary>
/// <param name="Ids">Token ids, at least one.</param>
/// <param name="Positions">Token indices, in the order of the vocabulary's positions.</param>
public sealed record RunTokens(IReadOnlyList<long> Ids, IReadOnlyList<int> Positions);
