using Interventions.Runtime;

namespace Interventions.Features;

/// <summary>Prompts of tokens alone, that lenses are fitted to: one run, and no names.</summary>
internal sealed class LensPrompts(IEnumerable<IReadOnlyList<long>> contexts) : IPromptSet
{
    public PromptVocabulary Vocabulary { get; } =
        new("the contexts", EquatableArray.Of("text"), EquatableArray.Of<string>(), EquatableArray.Of<string>());

    public IReadOnlyList<PromptTokens> Prompts { get; } = [.. contexts.Select(ids => new PromptTokens([new RunTokens(ids, [])], []))];

    /// <summary>The tokens of the first run of each prompt.</summary>
    public static IEnumerable<IReadOnlyList<long>> TokensOf(IPromptSet prompts)
    {
        ArgumentNullException.ThrowIfNull(prompts);
        return prompts.Prompts.Select(prompt => prompt.Runs[0].Ids);
    }

    /// <summary>Contexts of which a part is left out in front, and one token at least is left.</summary>
    /// <exception cref="ArgumentException">There is none, or one is too short.</exception>
    public static IEnumerable<IReadOnlyList<long>> LongEnough(IEnumerable<IReadOnlyList<long>> contexts, int shortest, string why)
    {
        bool isEmpty = true;
        foreach ((int number, IReadOnlyList<long> context) in contexts.Index())
        {
            isEmpty = false;
            yield return context.Count >= shortest ? context : throw new ArgumentException(
                $"Context {number} has {context.Count} tokens, and {shortest} at least are needed: {why}.", nameof(contexts));
        }
        if (isEmpty)
            throw new ArgumentException("There is no text to fit a lens to.", nameof(contexts));
    }
}
