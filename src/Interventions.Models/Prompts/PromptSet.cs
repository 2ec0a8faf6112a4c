using Interventions.Binding;
using Interventions.Declarations;
using Interventions.Sites;
using Interventions.Tables;
using Microsoft.ML.Tokenizers;

namespace Interventions.Models;

/// <summary>
/// The base of prompt sets: <c>[PromptSchema(Runs = […], Positions = […], Answers = […])] partial class MyPrompts : PromptSet</c>.
/// The generator adds <c>Create</c> (from text) and <c>FromTokens</c>. Without <c>Runs</c> the runs are <c>clean</c> and <c>corrupted</c>;
/// every set has the position <c>end</c>; there are no answers but those that are named.
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
                throw new ArgumentException(misfit + RunAlignment.Others(Prompts, i));
        Notes = [.. LongAnswers.Notes(this), .. SameRuns.Notes(this)];
    }

    /// <inheritdoc/>
    public PromptVocabulary Vocabulary { get; }

    /// <inheritdoc/>
    public IReadOnlyList<PromptTokens> Prompts { get; }

    /// <summary>
    /// Sentences on what is worth knowing about the prompts: answers of several tokens, runs that are the same, words that were left out.
    /// </summary>
    public IReadOnlyList<string> Notes { get; private init; }

    /// <summary>What the making of the prompts has to say; it comes first among the notes.</summary>
    internal IReadOnlyList<string> MakingNotes { init => Notes = [.. value, .. Notes]; }

    /// <summary>The names of runs, positions and answers, the first prompts, and the notes: a table of at most 80 columns.</summary>
    public override string ToString() =>
        PromptTable.Of(this) + string.Concat(Notes.Select(note => TextTable.Wrap($"note: {note}", 2) + "\n"));

    /// <summary>
    /// Writes the prompts into a file that <c>Load</c> reads: their texts with marks, where they were made of text, else their token ids.
    /// </summary>
    /// <param name="path">A <c>.csv</c> or <c>.jsonl</c> file; its folder is made if it is missing.</param>
    /// <param name="asTokens">Whether token ids are written although there are texts.</param>
    /// <exception cref="ArgumentException">The file's name ends otherwise, or two names of the vocabulary would be one column.</exception>
    public void Save(string path, bool asTokens = false) => PromptFile.Write(path, this, asTokens);

    /// <summary>Prompts that are tokens already. Called by generated code.</summary>
    /// <param name="vocabulary">The names.</param>
    /// <param name="runs">By run, each prompt's token ids.</param>
    /// <param name="positions">
    /// By position, each prompt's token index, the same in every run; <c>end</c> is the last token unless given.
    /// </param>
    /// <param name="answers">By answer, each prompt's token id.</param>
    /// <exception cref="ArgumentException">A name is unknown or missing, or the numbers of prompts differ.</exception>
    protected static IReadOnlyList<PromptTokens> Tokens(
        PromptVocabulary vocabulary,
        IReadOnlyList<long[][]> runs,
        IReadOnlyDictionary<string, int[]>? positions,
        IReadOnlyDictionary<string, long[]>? answers)
    {
        ArgumentNullException.ThrowIfNull(vocabulary);
        ArgumentNullException.ThrowIfNull(runs);
        int count = runs.Count == 0 ? 0 : runs[0]?.Length ?? 0;
        for (int run = 0; run < runs.Count; run++)
            CheckCount($"run '{vocabulary.Runs[run]}'", "prompts", runs[run]);
        foreach (string name in positions?.Keys ?? [])
            Check(VocabularyResolver.UnknownPosition(name, vocabulary));
        foreach (string name in answers?.Keys ?? [])
            Check(VocabularyResolver.UnknownAnswer(name, vocabulary));
        int[]?[] indices = [.. vocabulary.Positions.Select(name => Named("position", "indices", name, positions, orNone: name == "end"))];
        long[]?[] ids = [.. vocabulary.Answers.Select(name => Named("answer", "ids", name, answers, orNone: false))];
        return
        [
            .. Enumerable.Range(0, count).Select(prompt => new PromptTokens(
                [
                    .. runs.Select(run => new RunTokens(
                        run[prompt] ?? [], [.. indices.Select(of => of is null ? (run[prompt]?.Length ?? 0) - 1 : of[prompt])])),
                ],
                [.. ids.Select(of => of![prompt])])),
        ];

        T[]? Named<T>(string what, string values, string name, IReadOnlyDictionary<string, T[]>? given, bool orNone)
        {
            if (given?.GetValueOrDefault(name) is not { } known)
                return orNone ? null : throw new ArgumentException(
                    $"{vocabulary.PromptSet} has {what} '{name}', and none was given: [\"{name}\"] = …, one a prompt.");
            CheckCount($"{what} '{name}'", values, known);
            return known;
        }

        void CheckCount<T>(string what, string values, T[]? given)
        {
            if (given?.Length != count)
                throw new ArgumentException(
                    $"{vocabulary.PromptSet}: {what} has {given?.Length ?? 0} {values}, and run '{vocabulary.Runs[0]}' {count} prompts.");
        }

        static void Check(SiteProblem? problem)
        {
            if (problem is not null)
                throw new ArgumentException(problem.Message + ".");
        }
    }
}

/// <summary>
/// The default vocabulary: a clean and a corrupted prompt, the position <c>end</c> (the last token unless marked), a correct and a wrong
/// answer.
/// </summary>
[PromptSchema(Answers = ["correct", "wrong"])]
public sealed partial class PromptPairs : PromptSet;

/// <summary>Plain texts: the one run <c>clean</c>, the position <c>end</c>, no answers.</summary>
[PromptSchema(Runs = ["clean"])]
public sealed partial class Texts : PromptSet
{
    /// <summary>Tokenizes texts as they are: brackets are text, not marks.</summary>
    /// <exception cref="ArgumentException">
    /// A text is empty, the tokenizer has no token for a part of it, or it begins with a special token that the tokenizer adds itself.
    /// </exception>
    public static Texts Of(Tokenizer tokenizer, params IEnumerable<string> texts)
    {
        ArgumentNullException.ThrowIfNull(texts);
        return Create(
            tokenizer, texts.Select(text => new Prompt { Clean = text?.Replace("[", "[[", StringComparison.Ordinal)! }));
    }
}
