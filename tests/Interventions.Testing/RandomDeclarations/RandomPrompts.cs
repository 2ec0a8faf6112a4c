using Interventions.Runtime;

namespace Interventions.Testing.RandomDeclarations;

/// <summary>Prompts of three runs, with positions mid and end and answers right and wrong.</summary>
public sealed class RandomPrompts(IReadOnlyList<PromptTokens> prompts) : IPromptSet
{
    public PromptVocabulary Vocabulary { get; } = new(
        "RandomPrompts", EquatableArray.Of("clean", "corrupted", "other"), EquatableArray.Of("mid", "end"),
        EquatableArray.Of("right", "wrong"));

    public IReadOnlyList<PromptTokens> Prompts { get; } = prompts;

    /// <summary>Prompts of these lengths, whose runs begin alike.</summary>
    public static RandomPrompts Of(int seed, int vocabulary, params IEnumerable<int> lengths)
    {
        Random random = new(seed);
        return new RandomPrompts([.. lengths.Select(length =>
        {
            int shared = random.Next(length), mid = random.Next(length);
            long[] clean = Ids(length);
            RunTokens Other() => new([.. clean.Take(shared), .. Ids(length - shared)], [random.Next(length), length - 1]);
            return new PromptTokens(
                [new RunTokens(clean, [mid, length - 1]), Other(), Other()], [random.Next(vocabulary), random.Next(vocabulary)]);
        })]);

        long[] Ids(int count) => [.. Enumerable.Range(0, count).Select(_ => (long)random.Next(vocabulary))];
    }
}
