using Interventions.ModelGraphs;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Binding;

/// <summary>Some prompts that are run together, padded on the right to the longest: no real token sees the padding.</summary>
/// <param name="prompts">The set.</param>
/// <param name="numbers">Which of its prompts, in order.</param>
internal sealed class PromptBatch(IPromptSet prompts, int[] numbers)
{
    /// <summary>Which prompts of the set.</summary>
    public int[] Numbers => numbers;

    /// <summary>How many prompts.</summary>
    public int Count => numbers.Length;

    /// <summary>
    /// The step of a generation whose new token is selected; <see langword="null"/> for the prompts' own tokens.
    /// </summary>
    public int? Step { get; private init; }

    /// <summary>All prompts of a set.</summary>
    public static PromptBatch All(IPromptSet prompts) => new(prompts, [.. Enumerable.Range(0, prompts.Prompts.Count)]);

    /// <summary>
    /// The batches of a set. Prompts of different length share one unless the model looks ahead: then their tokens would see the padding.
    /// </summary>
    public static IEnumerable<PromptBatch> Of(IPromptSet prompts, int batchSize, ModelGraph graph) =>
        Of(prompts, Enumerable.Range(0, prompts.Prompts.Count), batchSize, graph);

    /// <summary>The batches of some prompts of a set.</summary>
    public static IEnumerable<PromptBatch> Of(IPromptSet prompts, IEnumerable<int> numbers, int batchSize, ModelGraph graph) => numbers
        .GroupBy(number => graph.LooksAhead ? prompts.Prompts[number].Runs[0].Ids.Count : 0)
        .SelectMany(alike => alike.Chunk(batchSize)).Select(batch => new PromptBatch(prompts, batch));

    /// <summary>The same prompts at a step of a generation.</summary>
    public PromptBatch At(int? step) => step == Step ? this : new PromptBatch(prompts, numbers) { Step = step };

    /// <summary>The token indices that a site selects of one prompt.</summary>
    public IReadOnlyList<int> Positions(BoundSite site, int axis, SweepPoint point, int run, int row) => Step is int step
        ? site.PositionIndices(axis, point, Tokens(run, row), Describe(run, row), step)
        : site.PositionIndices(axis, point, Tokens(run, row), Describe(run, row));

    /// <summary>Every row: the prompts' places in the batch.</summary>
    public int[] Rows => [.. Enumerable.Range(0, Count)];

    /// <summary>Whether all prompts are equally long.</summary>
    public bool HasOneLength => Rows.Select(Length).Distinct().Count() <= 1;

    /// <summary>How many tokens a prompt has, in each of its runs.</summary>
    public int Length(int row) => Prompt(row).Runs[0].Ids.Count;

    /// <summary>A prompt.</summary>
    public PromptTokens Prompt(int row) => prompts.Prompts[numbers[row]];

    /// <summary>A prompt's tokens in a run of the prompt set.</summary>
    public RunTokens Tokens(int run, int row) => Prompt(row).Runs[run];

    /// <summary>A prompt's name in messages.</summary>
    public string Describe(int run, int row) =>
        $"prompt {numbers[row]} of {prompts.Vocabulary.PromptSet}, run '{prompts.Vocabulary.Runs[run]}'";

    /// <summary>The token id of an answer of one prompt.</summary>
    public long Answer(int answer, int row) => Prompt(row).Answers[answer];

    /// <summary>Token ids of an answer in some rows: <c>[rows]</c>, int64.</summary>
    public Tensor Answers(int answer, IEnumerable<int> rows, Device device) =>
        tensor(rows.Select(row => Answer(answer, row)).ToArray(), device: device);

    /// <summary>Token ids of the given runs, one after the other: <c>[runs · batch, pos]</c>.</summary>
    public Tensor Ids(IReadOnlyList<int> runs, Device device)
    {
        int width = Rows.Max(Length);
        long[] ids = new long[runs.Count * Count * width];
        int at = 0;
        foreach (int run in runs)
            for (int row = 0; row < Count; row++, at += width)
                for (int i = 0; i < Length(row); i++)
                    ids[at + i] = Tokens(run, row).Ids[i];
        return tensor(ids, device: device).view(runs.Count * Count, width);
    }

    /// <summary>
    /// The rows that a method sees at once: those of one length where the length decides how much is selected, so that it never sees
    /// padding; else all.
    /// </summary>
    public IEnumerable<int[]> RowGroups(params IEnumerable<BoundSite> selected) =>
        selected.Any(site => Step is null ? site.IsRagged : site.IsRaggedAtSteps)
            ? Rows.GroupBy(Length).OrderBy(group => group.Key).Select(group => group.ToArray())
            : [Rows];
}
