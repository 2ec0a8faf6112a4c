using Interventions.Binding;
using Interventions.Declarations;

namespace Interventions.Models;

/// <summary>
/// The base of prompt sets: <c>[PromptSchema(Runs = […], Positions = […], Answers = […])] partial class MyPrompts : PromptSet</c>.
/// The generator adds <c>Create</c> (from text) and <c>FromTokens</c>.
/// </summary>
public abstract class PromptSet : IPromptSet
{
    /// <summary>Checks the prompts against the vocabulary and keeps them.</summary>
    /// <exception cref="ArgumentException">
    /// A prompt lacks a run, position or answer, its runs differ in length, or a position lies outside it.
    /// </exception>
    protected PromptSet(PromptVocabulary vocabulary, IReadOnlyList<PromptTokens> prompts)
    {
        Vocabulary = vocabulary;
        Prompts = [.. prompts.Select(prompt => prompt is null ? prompt! : prompt with { Vocabulary = vocabulary })];
        for (int i = 0; i < Prompts.Count; i++)
            if (PromptChecks.Misfit(Prompts[i], i, vocabulary) is string misfit)
                throw new ArgumentException(misfit);
    }

    /// <inheritdoc/>
    public PromptVocabulary Vocabulary { get; }

    /// <inheritdoc/>
    public IReadOnlyList<PromptTokens> Prompts { get; }

    /// <summary>The names of runs, positions and answers, and the first prompts: a table of at most 80 columns.</summary>
    public override string ToString() => PromptTable.Of(this);
}

/// <summary>
/// The default vocabulary: a clean and a corrupted prompt, the position <c>end</c> (the last token unless marked), a correct and a wrong
/// answer.
/// </summary>
[PromptSchema]
public sealed partial class PromptPairs : PromptSet;
