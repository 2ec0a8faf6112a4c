using Interventions.Graphs;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Execution;

/// <summary>Some prompts that are run together, padded on the right to the longest: with causal attention no real token sees the padding.</summary>
internal sealed class PromptChunk(IPromptSet prompts, int start, int count)
{
    public int Start => start;

    public int Count => count;

    public IEnumerable<int> Lengths => Enumerable.Range(0, count).Select(Length);

    public int Length(int row) => prompts.Prompts[start + row].Runs[0].Ids.Count;

    public RunTokens Tokens(int run, int row) => prompts.Prompts[start + row].Runs[run];

    public string Describe(int run, int row) => $"prompt {start + row} of {prompts.Vocabulary.PromptSet}, run '{prompts.Vocabulary.Runs[run]}'";

    public Tensor Answers(int answer, IEnumerable<int> rows, Device device) =>
        tensor(rows.Select(row => prompts.Prompts[start + row].Answers[answer]).ToArray(), device: device);

    /// <summary>Token ids of the given runs, one after the other: <c>[runs · batch, pos]</c>.</summary>
    public Tensor Ids(IReadOnlyList<int> runs, Device device)
    {
        int width = Lengths.Max();
        long[] ids = new long[runs.Count * count * width];
        int at = 0;
        foreach (int run in runs)
            for (int row = 0; row < count; row++, at += width)
                for (int i = 0; i < Length(row); i++)
                    ids[at + i] = Tokens(run, row).Ids[i];
        return tensor(ids, device: device).view(runs.Count * count, width);
    }

    /// <summary>The rows by prompt length, so that a method never sees padding.</summary>
    public IEnumerable<int[]> RowsByLength() =>
        Enumerable.Range(0, count).GroupBy(Length).OrderBy(group => group.Key).Select(group => group.ToArray());

    public static IEnumerable<PromptChunk> Of(IPromptSet prompts, int batchSize)
    {
        for (int start = 0; start < prompts.Prompts.Count; start += batchSize)
            yield return new PromptChunk(prompts, start, Math.Min(batchSize, prompts.Prompts.Count - start));
    }
}
