namespace Interventions.Circuits;

/// <summary>Some of the prompts of a set, in its order.</summary>
/// <param name="Vocabulary">The set's names.</param>
/// <param name="First">The place of the first prompt in the set.</param>
/// <param name="Prompts">The prompts.</param>
/// <param name="Options">How to run them: as the whole, with its progress.</param>
internal sealed record PromptPart(PromptVocabulary Vocabulary, int First, IReadOnlyList<PromptTokens> Prompts, RunOptions Options)
    : IPromptSet
{
    /// <summary>The parts of a set, of at most so many prompts.</summary>
    public static IEnumerable<PromptPart> Of(IPromptSet prompts, int size, RunOptions options)
    {
        // A set without prompts is one part, which the run refuses.
        PromptTokens[][] parts = [.. prompts.Prompts.Chunk(size).DefaultIfEmpty([])];
        return parts.Select((part, i) => new PromptPart(
            prompts.Vocabulary, i * size, part, PartOfProgress.Of(options, i, parts.Length)));
    }
}
