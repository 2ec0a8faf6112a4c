using System.Collections.Immutable;
using Interventions.Declarations;
using Interventions.Runtime;
using static TorchSharp.torch;

namespace Interventions;

/// <summary>
/// What a saved graph refers to by name: methods and encoder–decoders, which are code, and tensors and prompts, which are kept in files of their own. Generated code gives every declaration its <c>Members</c>.
/// </summary>
/// <param name="Methods">By name; those of an included intervention as <c>Property.Method</c>.</param>
/// <param name="Tensors">By name of the property that holds them; borrowed.</param>
public sealed record GraphMembers(IReadOnlyDictionary<string, GraphMethod> Methods, IReadOnlyDictionary<string, Tensor> Tensors)
{
    /// <summary>Encoder–decoders, by name of the property that holds them; borrowed.</summary>
    public IReadOnlyDictionary<string, ISplice> Splices { get; init; } = ImmutableDictionary<string, ISplice>.Empty;

    /// <summary>Prompts over which means are taken, by the name of their type; borrowed.</summary>
    public IReadOnlyDictionary<string, IPromptSet> Prompts { get; init; } = ImmutableDictionary<string, IPromptSet>.Empty;

    /// <summary>For a graph of built-in writes without tensors.</summary>
    public static GraphMembers None { get; } = new(ImmutableDictionary<string, GraphMethod>.Empty, ImmutableDictionary<string, Tensor>.Empty);

    /// <summary>The methods and tensors of a graph.</summary>
    public static GraphMembers Of(InterventionGraph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        MemberNames names = new(graph);
        return new GraphMembers(names.Methods, names.Tensors) { Splices = names.Splices, Prompts = names.Prompts };
    }
}

/// <summary>A method of a declaration.</summary>
/// <param name="Reads">What its parameters read.</param>
/// <param name="Body">The method.</param>
public sealed record GraphMethod(ImmutableArray<Read> Reads, MethodBody Body);
