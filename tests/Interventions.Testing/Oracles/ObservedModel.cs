using Interventions.ModelGraphs;
using static TorchSharp.torch;

namespace Interventions.Testing.Oracles;

/// <summary>The same model, of whose functions somebody is told: before and after each call. It borrows the model.</summary>
public sealed class ObservedModel : HookedModel
{
    private readonly HookedModel _model;
    private readonly Action<string> _before, _after;

    /// <param name="model">The model.</param>
    /// <param name="before">Told of a node before one of its functions is called.</param>
    /// <param name="after">Told of it afterwards.</param>
    public ObservedModel(HookedModel model, Action<string> before, Action<string> after)
    {
        (_model, _before, _after) = (model, before, after);
        ModelGraphBuilder builder = new();
        foreach (ModelNode node in model.Graph.Nodes)
        {
            NodeInput added = builder.Add(node.Name, Observed(node.Name, node.Definition), [.. node.Detours.Select(
                detour => detour with { Definition = Observed(node.Name, detour.Definition) })]);
            if (model.Graph.Costs.TryGetValue(node.Name, out NodeCost cost))
                builder.Costing(added, cost);
        }
        Graph = builder.Build(builder.Tokens with { Node = model.Graph.Output });
    }

    public override ModelSchema Schema => _model.Schema;

    public override ModelGraph Graph { get; }

    public override int? ContextLength => _model.ContextLength;

    public override int VocabularySize => _model.VocabularySize;

    public override Device Device => _model.Device;

    private Definition Observed(string node, Definition definition) => definition with
    {
        Compute = inputs =>
        {
            _before(node);
            Tensor value = definition.Compute(inputs);
            _after(node);
            return value;
        },
        Entries = definition.Entries is not { } entries ? null : (inputs, which) =>
        {
            _before(node);
            Tensor value = entries(inputs, which);
            _after(node);
            return value;
        },
        Piecewise = definition.Piecewise is not { } piecewise ? null : piecewise with
        {
            Compute = (own, pieces) =>
            {
                _before(node);
                Tensor value = piecewise.Compute(own, pieces);
                _after(node);
                return value;
            },
        },
    };
}
