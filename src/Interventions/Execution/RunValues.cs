using Interventions.Binding;
using static TorchSharp.torch;

namespace Interventions.Execution;

/// <summary>The values of one run of a chunk, as methods read them.</summary>
/// <param name="Chunk">The prompts.</param>
/// <param name="Run">The run of the prompt set whose tokens it has.</param>
internal abstract record RunValues(PromptBatch Chunk, int Run)
{
    /// <summary>Where the values are.</summary>
    public abstract Device Device { get; }

    /// <summary>The selected entries of a node, every axis kept: <c>[rows, …]</c>.</summary>
    public abstract Tensor Select(BoundSite site, string node, SweepPoint point, int[] rows);

    /// <summary>The same of the value as it was before its writes.</summary>
    public abstract Tensor SelectBeforeWrites(BoundSite site, string node, SweepPoint point, int[] rows);

    /// <summary>The same of a metric's gradient.</summary>
    public abstract Tensor SelectGradient(string metric, BoundSite site, string node, SweepPoint point, int[] rows);

    /// <summary>Whether a selection is all that was computed of the node, for all runs and variants together.</summary>
    public virtual bool IsWholeTable(BoundSite site, string node, SweepPoint point, int[] rows, Tensor selected) => false;

    /// <summary>Logits at a position: <c>[rows]</c> of one answer, or <c>[rows, vocab]</c>.</summary>
    public virtual Tensor Logits(BoundRead.Logits read, SweepPoint point, int[] rows)
    {
        Tensor atPosition = Select(read.At, read.At.Names(point).Single(), point, rows).view(rows.Length, -1);
        return read.Answer is int answer ? atPosition.gather(1, AnswerIds(answer, rows).unsqueeze(1)).squeeze(1) : atPosition;
    }

    /// <summary>Token ids of an answer: <c>[rows]</c>.</summary>
    public Tensor AnswerIds(int answer, int[] rows) => Chunk.Answers(answer, rows, Device);
}
