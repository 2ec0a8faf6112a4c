namespace Interventions.Models;

/// <summary>
/// The base of prompt sets: <c>[PromptSchema(Runs = […], Positions = […], Answers = […])] partial class MyPrompts : PromptSet</c>. The generator adds
/// <c>Create</c> (from text) and <c>FromTokens</c>.
/// </summary>
public abstract class PromptSet : IPromptSet
{
    /// <summary>Checks the prompts against the vocabulary and keeps them.</summary>
    /// <exception cref="ArgumentException">A prompt lacks a run, position or answer, its runs differ in length, or a position lies outside it.</exception>
    protected PromptSet(PromptVocabulary vocabulary, IReadOnlyList<PromptTokens> prompts)
    {
        Vocabulary = vocabulary;
        Prompts = [.. prompts];
        for (int i = 0; i < Prompts.Count; i++)
            Check(Prompts[i], $"prompt {i} of {vocabulary.PromptSet}");
    }

    /// <inheritdoc/>
    public PromptVocabulary Vocabulary { get; }

    /// <inheritdoc/>
    public IReadOnlyList<PromptTokens> Prompts { get; }

    private void Check(PromptTokens prompt, string where)
    {
        if (prompt.Runs.Count != Vocabulary.Runs.Count)
            throw new ArgumentException($"{where} has {prompt.Runs.Count} runs; the vocabulary names {Vocabulary.Runs.Count}: {string.Join(", ", Vocabulary.Runs)}.");
        if (prompt.Answers.Count != Vocabulary.Answers.Count)
            throw new ArgumentException($"{where} has {prompt.Answers.Count} answers; the vocabulary names {Vocabulary.Answers.Count}: {string.Join(", ", Vocabulary.Answers)}.");
        for (int run = 0; run < prompt.Runs.Count; run++)
        {
            RunTokens tokens = prompt.Runs[run];
            string name = Vocabulary.Runs[run];
            if (tokens.Ids.Count == 0)
                throw new ArgumentException($"{where}, run '{name}', has no tokens.");
            if (tokens.Ids.Count != prompt.Runs[0].Ids.Count)
                throw new ArgumentException(
                    $"The runs of {where} differ in length: '{Vocabulary.Runs[0]}' has {prompt.Runs[0].Ids.Count} tokens, '{name}' has {tokens.Ids.Count}. Patching needs them aligned token by token; choose words of equally many tokens.");
            if (tokens.Positions.Count != Vocabulary.Positions.Count)
                throw new ArgumentException($"{where}, run '{name}', has {tokens.Positions.Count} positions; the vocabulary names {Vocabulary.Positions.Count}: {string.Join(", ", Vocabulary.Positions)}.");
            for (int i = 0; i < tokens.Positions.Count; i++)
                if (tokens.Positions[i] < 0 || tokens.Positions[i] >= tokens.Ids.Count)
                    throw new ArgumentException($"{where}, run '{name}': position '{Vocabulary.Positions[i]}' is {tokens.Positions[i]}, outside its {tokens.Ids.Count} tokens.");
        }
    }
}
