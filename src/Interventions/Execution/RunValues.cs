using Interventions.Planning;
using static TorchSharp.torch;

namespace Interventions.Execution;

/// <summary>The values of one run of a chunk, by node.</summary>
/// <param name="Chunk">The prompts.</param>
/// <param name="Run">The run of the prompt set whose tokens it has.</param>
/// <param name="Values">By node, <c>[batch, …]</c>.</param>
internal sealed record RunValues(PromptChunk Chunk, int Run, IReadOnlyDictionary<string, Tensor> Values)
{
    /// <summary>Gradients by metric and node, shaped as the values; empty unless they were asked for.</summary>
    public IReadOnlyDictionary<(string Metric, string Node), Tensor> Gradients { get; init; } = new Dictionary<(string, string), Tensor>();

    /// <summary>Values as they were before their writes.</summary>
    public IReadOnlyDictionary<string, Tensor> BeforeWrites { get; init; } = new Dictionary<string, Tensor>();

    /// <summary>The selected entries of a node, every axis kept.</summary>
    public Tensor Select(BoundSite site, string node, SweepPoint point, int[] rows) => Select(Values[node], site, point, rows);

    /// <summary>The selected entries of a value shaped as the node.</summary>
    public Tensor Select(Tensor value, BoundSite site, SweepPoint point, int[] rows)
    {
        site.CheckAxes(value.shape);
        return site.IsWhole && rows.Length == Chunk.Count && Chunk.HasOneLength
            ? value.alias()
            : SelectedValues.Read(value, SelectedValues.FlatIndices(value, site, point, Chunk, Run, rows));
    }

    /// <summary>Logits at a position: <c>[rows]</c> of one answer, or <c>[rows, vocab]</c>.</summary>
    public Tensor Logits(BoundRead.Logits read, SweepPoint point, int[] rows)
    {
        Tensor atPosition = Select(read.At, read.At.Names(point).Single(), point, rows).view(rows.Length, -1);
        return read.Answer is int answer ? atPosition.gather(1, AnswerIds(answer, rows).unsqueeze(1)).squeeze(1) : atPosition;
    }

    /// <summary>Token ids of an answer: <c>[rows]</c>.</summary>
    public Tensor AnswerIds(int answer, int[] rows)
    {
        Device device = Values.Values.First().device;
        return Chunk.Answers(answer, device).index_select(0, tensor(rows.Select(row => (long)row).ToArray(), device: device));
    }
}
