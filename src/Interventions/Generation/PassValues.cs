using Interventions.Binding;
using Interventions.Execution;
using static TorchSharp.torch;

namespace Interventions.Generation;

/// <summary>The values of one run at one pass of a generation.</summary>
/// <param name="Batch">The prompts, at the pass's step.</param>
/// <param name="Run">The run of the prompt set whose prompts are continued.</param>
/// <param name="Values">By node, <c>[batch, …]</c>.</param>
internal sealed record PassValues(PromptBatch Batch, int Run, IReadOnlyDictionary<string, Tensor> Values) : RunValues(Batch, Run)
{
    /// <summary>The step whose new token's rows are all that the values have; <see langword="null"/> where they begin with the prompt's first token.</summary>
    public int? OnlyStep { get; init; }

    /// <summary>Whether the values have other rows than those that the pass selects.</summary>
    public bool HasOtherRows { get; init; }

    /// <summary>Values of all tokens so far: of nodes that are read back.</summary>
    public IReadOnlyDictionary<string, Tensor> Held { get; init; } = new Dictionary<string, Tensor>();

    /// <summary>Values as they were before their writes.</summary>
    public IReadOnlyDictionary<string, Tensor> BeforeWrites { get; init; } = new Dictionary<string, Tensor>();

    public override Device Device => Values.Values.First().device;

    public override Tensor Select(BoundSite site, string node, SweepPoint point, int[] rows) =>
        site.IsRead && Held.TryGetValue(node, out Tensor? held)
            ? (this with { OnlyStep = null, HasOtherRows = true }).Select(held, site, point, rows)
            : Select(Values[node], site, point, rows);

    public override Tensor SelectBeforeWrites(BoundSite site, string node, SweepPoint point, int[] rows) =>
        Select(BeforeWrites.GetValueOrDefault(node) ?? Values[node], site, point, rows);

    /// <summary>Where the selected entries lie in the flattened value of a node.</summary>
    public Tensor FlatIndices(Tensor value, BoundSite site, SweepPoint point, int[] rows) => SelectedValues.FlatIndices(value, site, point, Batch, Run, rows, OnlyStep);

    private Tensor Select(Tensor value, BoundSite site, SweepPoint point, int[] rows)
    {
        site.CheckAxes(value.shape);
        return site.IsWhole && rows.Length == Batch.Count && Batch.HasOneLength && !HasOtherRows
            ? value.alias()
            : SelectedValues.Read(value, FlatIndices(value, site, point, rows));
    }
}
