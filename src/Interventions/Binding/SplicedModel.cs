using System.Collections.Immutable;
using Interventions.ModelGraphs;
using Interventions.Runtime;
using Interventions.Sites;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Binding;

/// <summary>A model with a declaration's splices in it: runs use it like any other model, with more sites. It borrows the model.</summary>
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
    public override Device Device => _model.Device;

    /// <inheritdoc/>
    public override string? Decode(IEnumerable<long> tokens) => _model.Decode(tokens);

    /// <summary>The model with the splices of a graph; without splices the model itself.</summary>
    /// <exception cref="InterventionException">A splice cannot stand where it is declared.</exception>
    public static HookedModel Of(HookedModel model, InterventionGraph graph, SitePaths paths)
    {
        if (graph.Splices.IsEmpty)
            return model;
        SpliceResolution[] resolved = [.. graph.Splices.Select(splice => splice.Names.Resolve(model.Schema, paths))];
        ModelSchema schema = model.Schema.With(resolved);
        // Names that a version of the model lacks are all said at once.
        SchemaSkew.Check(graph, schema, paths);
        Dictionary<string, SplicedNode> nodes = [];
        foreach ((SpliceNode splice, SpliceResolution resolution) in graph.Splices.Zip(resolved))
            Add(nodes, splice, resolution, model.Graph, $"{graph.Name}.{splice.Name}");
        return new SplicedModel(model, schema, SplicedGraph.Of(model.Graph, nodes));
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        // The model is borrowed.
    }

    /// <summary>Adds what replaces each node of a splice.</summary>
    private static void Add(
        Dictionary<string, SplicedNode> nodes, SpliceNode splice, SpliceResolution resolution, ModelGraph graph, string where)
    {
        if (resolution.Problem is { } problem)
            throw new InterventionException($"{where}: {problem.Problem.Message}");
        CheckSplices(splice, where, Math.Max(1, resolution.Layers.Count));
        foreach (((string node, string? reads), int at) in resolution.Nodes.Select((pair, at) => (pair, at)))
        {
            CheckNode(graph, node, reads, where);
            ISplice one = splice.Splices.Length == 1 ? splice.Splices[0] : splice.Splices[at];
            if (!nodes.TryAdd(node, new SplicedNode(where, resolution.Names, one, reads, splice.DetachError)))
                throw new InterventionException($"{where}: {SpliceResolver.Twice(node)}.");
        }
    }

    private static void CheckSplices(SpliceNode splice, string where, int layers)
    {
        if (splice.Splices.Length != 1 && splice.Splices.Length != layers)
            throw new InterventionException(
                $"{where} holds {splice.Splices.Length} splices, and '{splice.Site}' names {layers} site{(layers == 1 ? "" : "s")}: " +
                "it needs one for all, or one for each.");
        if (splice.Splices.Select(one => one.Features).Distinct().ToArray() is { Length: > 1 } counts)
            throw new InterventionException(
                $"{where}: the splices have {string.Join(", ", counts)} features; those of one property have equally many. " +
                "Declare a property for each size.");
        if (splice.Features is int declared && declared != splice.Splices[0].Features)
            throw new InterventionException(
                $"{where} has {splice.Splices[0].Features} features, and its [Splice] says Features = {declared}.");
    }

    private static void CheckNode(ModelGraph graph, string node, string? reads, string where)
    {
        if (!graph.Contains(node) || (reads is not null && !graph.Contains(reads)))
            throw new InterventionException($"{where}: the model's graph has no node '{(graph.Contains(node) ? reads : node)}'.");
        if (graph.Nodes.Any(other => other.Detours.Any(detour => detour.Through == node)))
            throw new InterventionException($"{where}: {SpliceResolver.Beside(node)}.");
        if (reads is not null && graph.Nodes.First(other => other.Name == reads || other.Name == node).Name == node)
            throw new InterventionException($"{where}: {SpliceResolver.Later(reads, node)}.");
    }
}

/// <summary>
/// A model graph with encoder–decoders in it. The spliced node reads the original value, and has detours through the sites inside the
/// splice: as long as none of these is touched, nothing of the splice is computed, and the model is as it was.
/// </summary>
internal static class SplicedGraph
{
    /// <summary>The graph with some nodes replaced.</summary>
    /// <param name="graph">The model's graph.</param>
    /// <param name="splices">What replaces a node, by the node's name.</param>
    public static ModelGraph Of(ModelGraph graph, IReadOnlyDictionary<string, SplicedNode> splices) => new(
        [.. graph.Nodes.SelectMany(node =>
            splices.TryGetValue(node.Name, out SplicedNode? splice) ? Replacing(node, splice) : [node])],
        graph.Output,
        graph.Costs);

    private static IEnumerable<ModelNode> Replacing(ModelNode node, SplicedNode splice)
    {
        string original = Inner(SplicedSites.Original), features = Inner(SplicedSites.Features);
        string reconstruction = Inner(SplicedSites.Reconstruction), error = Inner(SplicedSites.Error);
        // The error term is that of unedited features, which these nodes hold: no schema names them.
        string encoded = Inner("encoded"), decoded = Inner("decoded");
        string read = splice.Reads ?? original;
        bool detach = splice.DetachError;

        yield return node with { Name = original };
        yield return Node(encoded, [read], x => splice.Encode(x[0], splice.Reads ?? node.Name));
        yield return Node(features, [encoded], x => x[0]);
        yield return Node(decoded, [encoded, read, original], x => splice.Decode(x[0], x[1], x[2]));
        yield return Node(reconstruction, [features, read, original], x => splice.Decode(x[0], x[1], x[2]));
        yield return Node(error, [original, decoded], x => Constant(x[0] - x[1]));

        // Of unedited features the difference is 0 exactly, and the value the original.
        Definition changed = Define([original, reconstruction, decoded], x => Constant(x[0]).plus(x[1] - Constant(x[2])));
        yield return new ModelNode(
            node.Name,
            detach ? changed : Define([original], x => x[0]),
            [
                new Detour(error, Define([reconstruction, error], x => x[0].plus(x[1]))),
                new Detour(features, changed),
                new Detour(reconstruction, changed),
            ]);

        string Inner(string name) => splice.Names.Inner(node.Name, name);

        Tensor Constant(Tensor x) => detach ? x.detach() : x;
    }

    private static ModelNode Node(string name, string[] inputs, Compute compute) => new(name, Define(inputs, compute), []);

    private static Definition Define(string[] inputs, Compute compute) =>
        new([.. inputs.Select(input => new NodeInput(input, Reach.Pointwise))], compute);
}

/// <summary>The encoder–decoder that replaces one node.</summary>
/// <param name="Where">The declaration and its property, for messages.</param>
/// <param name="Names">The splice's names.</param>
/// <param name="Splice">The encoder–decoder.</param>
/// <param name="Reads">The node that is encoded; <see langword="null"/> for the replaced one.</param>
/// <param name="DetachError">Whether gradients hold the error term constant.</param>
internal sealed record SplicedNode(string Where, SpliceNames Names, ISplice Splice, string? Reads, bool DetachError)
{
    /// <summary>The features, <c>[batch, pos, feature]</c>, of a site's value.</summary>
    public Tensor Encode(Tensor x, string site)
    {
        Tensor features = Encoded(x, site)
            ?? throw new InterventionException($"{Where}.Encode returned null; it must return the features.");
        return features.shape is [long batch, long pos, long count] && batch == x.shape[0] && pos == x.shape[1] && count == Splice.Features
            ? features
            : throw new InterventionException(
                $"{Where}.Encode returned {Shapes.Describe(features)} for {Shapes.Describe(x)}; " +
                $"it must return [batch={x.shape[0]}, pos={x.shape[1]}, feature={Splice.Features}].");
    }

    /// <summary>The value that replaces <paramref name="original"/>, in its shape and element type.</summary>
    public Tensor Decode(Tensor features, Tensor x, Tensor original)
    {
        Tensor value = PureCall.Run((features, x), given => Splice.Decode(given.features, given.x))
            ?? throw new InterventionException($"{Where}.Decode returned null; it must return the reconstruction.");
        return value.shape.AsSpan().SequenceEqual(original.shape)
            ? value.to(original.dtype)
            : throw new InterventionException(
                $"{Where}.Decode returned {Shapes.Describe(value)}; what it replaces is {Shapes.Describe(original)}.");
    }

    private Tensor? Encoded(Tensor x, string site)
    {
        try
        {
            return PureCall.Run(x, Splice.Encode);
        }
        catch (ArgumentException misfit)
        {
            throw new InterventionException($"{Where} cannot encode '{site}': {misfit.Message}", misfit);
        }
    }
}
