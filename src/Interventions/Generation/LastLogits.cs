using Interventions.ModelGraphs;
using static TorchSharp.torch;

namespace Interventions.Generation;

/// <summary>The logits behind each prompt's last token. Where nobody else wants logits, those of other positions are not computed.</summary>
internal sealed class LastLogits
{
    private readonly ModelGraph _graph;
    private readonly ModelSites _sites;
    private readonly bool _isWhole;

    /// <param name="model">The model.</param>
    /// <param name="isAskedFor">Whether all logits are read or written anyway.</param>
    /// <param name="touched">The sites that are written.</param>
    public LastLogits(HookedModel model, bool isAskedFor, IReadOnlySet<string> touched)
    {
        _graph = model.Graph;
        _sites = new ModelSites(model.Schema);
        Definition output = _graph[_graph.Output].DefinitionUnder(touched);
        _isWhole = isAskedFor || touched.Contains(_graph.Output) || output.Inputs.Any(input => input.Reach.Kind != ReachKind.Pointwise || !_sites.HasRows(input.Node));
        Compute = output.Compute;
        Reads = _isWhole ? [_graph.Output] : [.. output.Inputs.Select(input => input.Node)];
    }

    /// <summary>The nodes that are needed.</summary>
    public IReadOnlyList<string> Reads { get; }

    private Compute Compute { get; }

    /// <summary>The logits of each prompt's last token: <c>[batch, vocab]</c>.</summary>
    public Tensor Of(PassValues values)
    {
        NewRows last = new([.. values.Batch.Rows.Select(row => values.OnlyStep is null ? values.Batch.Length(row) + (values.Batch.Step ?? -1) : 0)], 1);
        Tensor[] rows = [.. Reads.Select(node => last.Of(values.Values[node], _sites.RowAxis(node), 0))];
        return (_isWhole ? rows[0] : Compute(rows)).flatten(0, 1);
    }
}
