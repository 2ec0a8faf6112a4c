using Interventions.Runtime;

namespace Interventions.Testing.ToyModels;

/// <summary>Random token prompts: runs clean and corrupted, positions mid and end, answers correct and wrong.</summary>
public sealed class ToyPrompts(params IReadOnlyList<PromptTokens> prompts) : IPromptSet
{
    public PromptVocabulary Vocabulary { get; } = new(
        "ToyPrompts", EquatableArray.Of("clean", "corrupted"), EquatableArray.Of("mid", "end"), EquatableArray.Of("correct", "wrong"));

    public IReadOnlyList<PromptTokens> Prompts { get; } = prompts;

    public static ToyPrompts Random(int seed, params int[] lengths)
    {
        Random random = new(seed);
        return new ToyPrompts([.. lengths.Select(length =>
        {
            int mid = random.Next(length);
            return new PromptTokens(
                [Run(length, mid), Run(length, random.Next(length))], [random.Next(ToyModel.Vocabulary), random.Next(ToyModel.Vocabulary)]);
        })]);

        RunTokens Run(int length, int mid) =>
            new([.. Enumerable.Range(0, length).Select(_ => (long)random.Next(ToyModel.Vocabulary))], [mid, length - 1]);
    }

    public ToyPrompts Only(params int[] rows) => new([.. rows.Select(row => Prompts[row])]);
}
