using System.Collections.Immutable;
using Interventions.Declarations;
using Interventions.Runtime;
using static TorchSharp.torch;

namespace Interventions;

/// <summary>
/// The parts of a graph that its JSON refers to by name: methods and encoder–decoders, which are code, and tensors and prompts, which are
/// kept in files of their own. Generated code gives every declaration its <c>Members</c>.
/// </summary>
/// <param name="Methods">Methods by name; those of an included intervention as <c>Property.Method</c>.</param>
/// <param name="Tensors">Tensors by the name of the property that holds them; borrowed.</param>
public sealed record GraphMembers(IReadOnlyDictionary<string, GraphMethod> Methods, IReadOnlyDictionary<string, Tensor> Tensors)
{
    /// <summary>Encoder–decoders by the name of the property that holds them; borrowed.</summary>
    public IReadOnlyDictionary<string, ISplice> Splices { get; init; } = ImmutableDictionary<string, ISplice>.Empty;

    /// <summary>Prompts over which means are taken, by the name of their type; borrowed.</summary>
    public IReadOnlyDictionary<string, IPromptSet> Prompts { get; init; } = ImmutableDictionary<string, IPromptSet>.Empty;

    /// <summary>No members: for a graph of built-in writes without tensors.</summary>
    public static GraphMembers None { get; } =
        new(ImmutableDictionary<string, GraphMethod>.Empty, ImmutableDictionary<string, Tensor>.Empty);

    /// <summary>The members of a graph.</summary>
    public static GraphMembers Of(InterventionGraph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        MemberNames names = new(graph);
        return new GraphMembers(names.Methods, names.Tensors) { Splices = names.Splices, Prompts = names.Prompts };
    }
}
