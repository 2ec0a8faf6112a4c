using Interventions.ModelGraphs;
using Interventions.Runtime;
using Interventions.Sites;
using TorchSharp;

namespace Interventions.Binding;

/// <summary>A model with a declaration's splices in it: to whoever runs it a model like any other, with more sites. It borrows the model.</summary>
internal sealed class SplicedModel : HookedModel
{
    private readonly HookedModel _model;

    private SplicedModel(HookedModel model, ModelSchema schema, ModelGraph graph)
    {
        _model = model;
        Schema = schema;
        Graph = graph;
    }

    /// <inheritdoc/>
    public override ModelSchema Schema { get; }

    /// <inheritdoc/>
    public override ModelGraph Graph { get; }

    /// <inheritdoc/>
    public override int? ContextLength => _model.ContextLength;

    /// <inheritdoc/>
    public override int VocabularySize => _model.VocabularySize;

    /// <inheritdoc/>
    public override torch.Device Device => _model.Device;

    /// <summary>The model with the splices of a graph; without splices the model itself.</summary>
    /// <exception cref="InterventionException">A splice cannot stand where it is declared.</exception>
    public static HookedModel Of(HookedModel model, InterventionGraph graph)
    {
        if (graph.Splices.IsEmpty)
            return model;
        SpliceResolution[] resolved = [.. graph.Splices.Select(splice => splice.Names.Resolve(model.Schema))];
        ModelSchema schema = model.Schema.With(resolved);
        // Names that a version of the model lacks are all said at once.
        SchemaSkew.Check(graph, schema);
        Dictionary<string, SplicedNode> nodes = [];
        for (int i = 0; i < resolved.Length; i++)
        {
            string where = $"{graph.Name}.{graph.Splices[i].Name}";
            if (resolved[i].Problem is { } problem)
                throw new InterventionException($"{where}: {problem.Problem.Message}");
            Check(graph.Splices[i], where, Math.Max(1, resolved[i].Layers.Count));
            (string Node, string? Reads)[] pairs = [.. resolved[i].Nodes];
            for (int at = 0; at < pairs.Length; at++)
            {
                CheckNode(model.Graph, pairs[at].Node, pairs[at].Reads, where);
                ISplice splice = graph.Splices[i].Splices.Length == 1 ? graph.Splices[i].Splices[0] : graph.Splices[i].Splices[at];
                if (!nodes.TryAdd(pairs[at].Node, new SplicedNode(where, resolved[i].Names, splice, pairs[at].Reads, graph.Splices[i].DetachError)))
                    throw new InterventionException($"{where}: '{pairs[at].Node}' is spliced twice; one splice stands at a site.");
            }
        }
        return new SplicedModel(model, schema, SplicedGraph.Of(model.Graph, nodes));
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        // The model is borrowed.
    }

    private static void Check(SpliceNode splice, string where, int layers)
    {
        if (splice.Splices.Length != 1 && splice.Splices.Length != layers)
            throw new InterventionException(
                $"{where} holds {splice.Splices.Length} splices, and '{splice.Site}' names {layers} site{(layers == 1 ? "" : "s")}: it needs one for all, or one for each.");
        if (splice.Splices.Select(one => one.Features).Distinct().ToArray() is { Length: > 1 } counts)
            throw new InterventionException(
                $"{where}: the splices have {string.Join(", ", counts)} features; those of one property have equally many. Declare a property for each size.");
        if (splice.Features is int declared && declared != splice.Splices[0].Features)
            throw new InterventionException($"{where} has {splice.Splices[0].Features} features, and its [Splice] says Features = {declared}.");
    }

    private static void CheckNode(ModelGraph graph, string node, string? reads, string where)
    {
        if (!graph.Contains(node) || (reads is not null && !graph.Contains(reads)))
            throw new InterventionException($"{where}: the model's graph has no node '{(graph.Contains(node) ? reads : node)}'.");
        if (graph.Nodes.Any(other => other.Detours.Any(detour => detour.Through == node)))
            throw new InterventionException(
                $"{where}: '{node}' lies beside the model's ordinary path, so nothing would read a splice there; splice a site that every run computes.");
        if (reads is not null && graph.Nodes.First(other => other.Name == reads || other.Name == node).Name == node)
            throw new InterventionException($"{where}: '{reads}' is computed after '{node}', so a splice there cannot read it.");
    }
}
