using System.Collections.Immutable;
using Interventions.ModelGraphs;
using Interventions.Sites;
using static TorchSharp.torch;

namespace Interventions.Binding;

/// <summary>
/// A model graph with encoder–decoders in it. The spliced node reads the original value, and has detours through what lies inside the splice: as long as nothing there is touched,
/// nothing of it is computed and the model is as it was.
/// </summary>
internal static class SplicedGraph
{
    /// <summary>The graph with some nodes replaced.</summary>
    /// <param name="graph">The model's graph.</param>
    /// <param name="splices">What replaces a node, by the node's name.</param>
    public static ModelGraph Of(ModelGraph graph, IReadOnlyDictionary<string, SplicedNode> splices)
    {
        ImmutableArray<ModelNode>.Builder nodes = ImmutableArray.CreateBuilder<ModelNode>();
        foreach (ModelNode node in graph.Nodes)
        {
            if (splices.TryGetValue(node.Name, out SplicedNode? splice))
                nodes.AddRange(Replacing(node, splice));
            else
                nodes.Add(node);
        }
        return new ModelGraph(nodes.ToImmutable(), graph.Output, graph.Costs);
    }

    private static IEnumerable<ModelNode> Replacing(ModelNode node, SplicedNode splice)
    {
        string original = Inner(SplicedSites.Original), features = Inner(SplicedSites.Features), reconstruction = Inner(SplicedSites.Reconstruction), error = Inner(SplicedSites.Error);
        // Unedited, for the error term: no schema names them.
        string encoded = Inner("encoded"), decoded = Inner("decoded");
        string read = splice.Reads ?? original;
        bool detach = splice.DetachError;

        yield return node with { Name = original };
        yield return Node(encoded, [read], x => splice.Encode(x[0]));
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

    private static Definition Define(string[] inputs, Compute compute) => new([.. inputs.Select(input => new NodeInput(input, Reach.Pointwise))], compute);
}

/// <summary>What replaces one node.</summary>
/// <param name="Where">The declaration and its property, for messages.</param>
/// <param name="Names">The splice's names.</param>
/// <param name="Splice">The encoder–decoder.</param>
/// <param name="Reads">The node that is encoded; <see langword="null"/> for the replaced one.</param>
/// <param name="DetachError">Whether gradients hold the error term constant.</param>
internal sealed record SplicedNode(string Where, SpliceNames Names, ISplice Splice, string? Reads, bool DetachError)
{
    /// <summary>The features, <c>[batch, pos, feature]</c>.</summary>
    public Tensor Encode(Tensor x)
    {
        Tensor features = PureCall.Run(x, Splice.Encode) ?? throw new InterventionException($"{Where}.Encode returned null; it must return the features.");
        return features.shape is [long batch, long pos, long count] && batch == x.shape[0] && pos == x.shape[1] && count == Splice.Features
            ? features
            : throw new InterventionException(
                $"{Where}.Encode returned {Describe(features)} for {Describe(x)}; it must return [batch={x.shape[0]}, pos={x.shape[1]}, feature={Splice.Features}].");
    }

    /// <summary>What stands for <paramref name="original"/>, in its shape and element type.</summary>
    public Tensor Decode(Tensor features, Tensor x, Tensor original)
    {
        Tensor value = PureCall.Run((features, x), given => Splice.Decode(given.features, given.x)) ?? throw new InterventionException($"{Where}.Decode returned null; it must return the reconstruction.");
        return value.shape.AsSpan().SequenceEqual(original.shape)
            ? value.to(original.dtype)
            : throw new InterventionException($"{Where}.Decode returned {Describe(value)}; what it replaces is {Describe(original)}.");
    }

    private static string Describe(Tensor value) => $"[{string.Join(", ", value.shape)}]";
}
