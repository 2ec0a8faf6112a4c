using Interventions.Binding;
using static TorchSharp.torch;

namespace Interventions.Execution;

/// <summary>Values of a full forward pass, by node: <c>[batch, …]</c>.</summary>
internal sealed record WholeValues(PromptBatch Chunk, int Run, IReadOnlyDictionary<string, Tensor> Values) : RunValues(Chunk, Run)
{
    public override Device Device => Values.Values.First().device;

    /// <summary>Gradients by metric and node, shaped as the values; empty unless they were asked for.</summary>
    public IReadOnlyDictionary<(string Metric, string Node), Tensor> Gradients { get; init; } = new Dictionary<(string, string), Tensor>();

    /// <summary>Values as they were before their writes.</summary>
    public IReadOnlyDictionary<string, Tensor> BeforeWrites { get; init; } = new Dictionary<string, Tensor>();

    public override Tensor Select(BoundSite site, string node, SweepPoint point, int[] rows) => Select(Values[node], site, point, rows);

    public override Tensor SelectBeforeWrites(BoundSite site, string node, SweepPoint point, int[] rows) =>
        Select(BeforeWrites.TryGetValue(node, out Tensor? before) ? before : Values[node], site, point, rows);

    public override Tensor SelectGradient(string metric, BoundSite site, string node, SweepPoint point, int[] rows) => Select(Gradients[(metric, node)], site, point, rows);

    private Tensor Select(Tensor value, BoundSite site, SweepPoint point, int[] rows)
    {
        site.CheckAxes(value.shape);
        return site.IsWhole && rows.Length == Chunk.Count && Chunk.HasOneLength
            ? value.alias()
            : SelectedValues.Read(value, SelectedValues.FlatIndices(value, site, point, Chunk, Run, rows));
    }
}
