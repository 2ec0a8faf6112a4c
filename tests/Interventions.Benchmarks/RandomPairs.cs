using Interventions.Graphs;
using Interventions.Sites;

namespace Interventions.Benchmarks;

/// <summary>Pairs of random prompts of one length that are the same up to some token.</summary>
internal sealed class RandomPairs : IPromptSet
{
    public RandomPairs(int count, int length, int differFrom, int vocabulary = 50257)
    {
        Random random = new(count + length + differFrom);
        long[] Ids() => [.. Enumerable.Range(0, length).Select(_ => (long)random.Next(vocabulary))];
        Prompts = [.. Enumerable.Range(0, count).Select(_ =>
        {
            long[] clean = Ids(), corrupted = [.. clean.Take(differFrom), .. Ids().Skip(differFrom)];
            return new PromptTokens([new RunTokens(clean, [length - 1]), new RunTokens(corrupted, [length - 1])], [random.Next(vocabulary), random.Next(vocabulary)]);
        })];
    }

    public PromptVocabulary Vocabulary { get; } = new(
        "RandomPairs", EquatableArray.Of("clean", "corrupted"), EquatableArray.Of("end"), EquatableArray.Of("correct", "wrong"));

    public IReadOnlyList<PromptTokens> Prompts { get; }
}
