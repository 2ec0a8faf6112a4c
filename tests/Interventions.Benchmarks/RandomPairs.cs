using Interventions.Runtime;

namespace Interventions.Benchmarks;

/// <summary>Pairs of random prompts of one length that are the same up to some token.</summary>
internal sealed class RandomPairs : IPromptSet
{
    public RandomPairs(int count, int length, int differFrom, int vocabulary = 50257, int runs = 2)
    {
        Random random = new(count + length + differFrom);
        long[] Ids() => [.. Enumerable.Range(0, length).Select(_ => (long)random.Next(vocabulary))];
        Prompts = [.. Enumerable.Range(0, count).Select(_ =>
        {
            long[] clean = Ids(), corrupted = [.. clean.Take(differFrom), .. Ids().Skip(differFrom)];
            RunTokens[] both = [new RunTokens(clean, [length - 1]), new RunTokens(corrupted, [length - 1])];
            return new PromptTokens(both[..runs], [random.Next(vocabulary), random.Next(vocabulary)]);
        })];
        Vocabulary = new(
            "RandomPairs", new EquatableArray<string>(new[] { "clean", "corrupted" }.Take(runs)), EquatableArray.Of("end"),
            EquatableArray.Of("correct", "wrong"));
    }

    public PromptVocabulary Vocabulary { get; }

    public IReadOnlyList<PromptTokens> Prompts { get; }
}
