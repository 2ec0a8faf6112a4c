using Interventions.Binding;
using static TorchSharp.torch;

namespace Interventions.Execution;

/// <summary>The values of one run over a batch, as methods read them. A metric's gradients are read in the same way.</summary>
/// <param name="Batch">The prompts.</param>
/// <param name="Run">The run of the prompt set whose tokens it has.</param>
internal abstract record RunValues(PromptBatch Batch, int Run)
{
    /// <summary>The device of the values.</summary>
    public abstract Device Device { get; }

    /// <summary>The selected entries of a node, every axis kept: <c>[rows, …]</c>.</summary>
    public abstract Tensor Select(BoundSite site, string node, SweepPoint point, int[] rows);

    /// <summary>The selected entries of a node as they were before its writes.</summary>
    public abstract Tensor SelectBeforeWrites(BoundSite site, string node, SweepPoint point, int[] rows);

    /// <summary>Whether a selection is everything that was computed of the node, for all runs and variants together.</summary>
    public virtual bool IsWholeTable(BoundSite site, string node, SweepPoint point, int[] rows, Tensor selected) => false;

    /// <summary>Logits at a position: <c>[rows]</c> of one answer, or <c>[rows, vocab]</c>.</summary>
    public virtual Tensor Logits(BoundRead.Logits read, SweepPoint point, int[] rows)
    {
        Tensor atPosition = Select(read.At, read.At.Names(point).Single(), point, rows).view(rows.Length, -1);
        return read.Answer is int answer ? atPosition.gather(1, AnswerIds(answer, rows).unsqueeze(1)).squeeze(1) : atPosition;
    }

    /// <summary>Token ids of an answer: <c>[rows]</c>.</summary>
    public Tensor AnswerIds(int answer, int[] rows) => Batch.Answers(answer, rows, Device);
}

/// <summary>Values of a full forward pass, by node: <c>[batch, …]</c>.</summary>
internal sealed record WholeValues(PromptBatch Batch, int Run, IReadOnlyDictionary<string, Tensor> Values) : RunValues(Batch, Run)
{
    public override Device Device => Values.Values.First().device;

    /// <summary>Values as they were before their writes, of the nodes that are written.</summary>
    public IReadOnlyDictionary<string, Tensor> BeforeWrites { get; init; } = new Dictionary<string, Tensor>();

    public override Tensor Select(BoundSite site, string node, SweepPoint point, int[] rows) => Select(Values[node], site, point, rows);

    public override Tensor SelectBeforeWrites(BoundSite site, string node, SweepPoint point, int[] rows) =>
        Select(BeforeWrites.TryGetValue(node, out Tensor? before) ? before : Values[node], site, point, rows);

    private Tensor Select(Tensor value, BoundSite site, SweepPoint point, int[] rows)
    {
        site.CheckAxes(value.shape);
        return site.IsWhole && rows.Length == Batch.Count && Batch.HasOneLength
            ? value.alias()
            : SelectedValues.Read(value, SelectedValues.FlatIndices(value, site, point, Batch, Run, rows));
    }
}
