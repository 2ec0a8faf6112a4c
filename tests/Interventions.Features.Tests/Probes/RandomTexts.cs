using Interventions.Runtime;

namespace Interventions.Features.Tests.Probes;

/// <summary>Random tokens, also of different lengths: a run, the positions <c>first</c> and <c>end</c>, and an answer.</summary>
internal sealed class RandomTexts : IPromptSet
{
    public RandomTexts(int count, int vocabulary, int seed, int shortest = 6, int longest = 6)
    {
        Random random = new(seed);
        Prompts =
        [
            .. Enumerable.Range(0, count).Select(_ =>
            {
                long[] ids = [.. Enumerable.Range(0, random.Next(shortest, longest + 1)).Select(_ => (long)random.Next(vocabulary))];
                return new PromptTokens([new RunTokens(ids, [0, ids.Length - 1])], [random.Next(vocabulary)]);
            }),
        ];
    }

    public PromptVocabulary Vocabulary { get; } =
        new(nameof(RandomTexts), EquatableArray.Of("clean"), EquatableArray.Of("first", "end"), EquatableArray.Of("answer"));

    public IReadOnlyList<PromptTokens> Prompts { get; }

    public IReadOnlyList<long> Tokens(int prompt) => Prompts[prompt].Runs[0].Ids;
}
