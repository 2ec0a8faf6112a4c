using System.Collections.Immutable;
using static TorchSharp.torch;

namespace Interventions.ModelGraphs;

/// <summary>Computes a node's value from its inputs' values, in the order in which they were named. It must not write into them.</summary>
public delegate Tensor Compute(ReadOnlySpan<Tensor> inputs);

/// <summary>Computes some entries of the last axis of a node's value: <c>[batch, pos, …, entry]</c>.</summary>
public delegate Tensor ComputeEntries(ReadOnlySpan<Tensor> inputs, Tensor entries);

/// <summary>
/// Turns the gradient of a node's value into the gradient of the site that a detour goes through: the transpose of the detour's derivative,
/// at the inputs of an untouched model.
/// </summary>
public delegate Tensor Pullback(ReadOnlySpan<Tensor> inputs, Tensor gradient);

/// <summary>
/// A value of the forward pass, named by its concrete site path (<c>blocks.0.attn.z</c>); names outside the schema are internal.
/// </summary>
/// <param name="Name">Unique in the graph.</param>
/// <param name="Definition">The definition on the ordinary path.</param>
/// <param name="Detours">Other definitions, for when a value beside the ordinary path is written; the first that applies is taken.</param>
public sealed record ModelNode(string Name, Definition Definition, ImmutableArray<Detour> Detours)
{
    /// <summary>The definition to use when the given sites are written or differentiated.</summary>
    public Definition DefinitionUnder(IReadOnlySet<string> touched)
    {
        foreach (Detour detour in Detours)
            if (touched.Contains(detour.Through))
                return detour.Definition;
        return Definition;
    }
}

/// <summary>Inputs and a function of them.</summary>
public sealed record Definition(ImmutableArray<NodeInput> Inputs, Compute Compute)
{
    /// <summary>Whether an output position depends on other positions of an input.</summary>
    public bool LooksBeyond => Inputs.Any(input => input.Reach.Kind != ReachKind.Pointwise);

    /// <summary>
    /// The same function for some entries of the value's last axis, by their indices <c>[entry]</c>, int64; <see langword="null"/> if there
    /// is none. With it a metric of two answers' logits does not compute the whole vocabulary.
    /// </summary>
    public ComputeEntries? Entries { get; init; }

    /// <summary>The same function for some positions of many variants; <see langword="null"/> if there is none.</summary>
    public Piecewise? Piecewise { get; init; }

    /// <summary>The same, with functions that are called again if a garbage collection may have freed a number in them.</summary>
    internal Definition Protected()
    {
        Func<ReadOnlySpan<Tensor>, Tensor> compute = Compute.Invoke;
        return this with
        {
            Compute = inputs => PureCall.Run(inputs, compute),
            Entries = Entries is { } ofEntries ? (inputs, entries) => PureCall.Run(inputs, given => ofEntries(given, entries)) : null,
            Piecewise = Piecewise?.Protected(),
        };
    }
}

/// <summary>An input, with the reach of an output position into it.</summary>
public readonly record struct NodeInput(string Node, Reach Reach);

/// <summary>
/// A definition that is used only when <paramref name="Through"/> is written or differentiated: such a site (a head's port, one head's
/// result, a norm's scale) does not lie on the ordinary path, so that the untouched model pays nothing for it.
/// </summary>
public sealed record Detour(string Through, Definition Definition)
{
    /// <summary>
    /// The detour's function backwards; <see langword="null"/> if there is none. With it the gradient of <see cref="Through"/> is found
    /// without the detour, which would copy the residual stream for every head's port.
    /// </summary>
    public Pullback? Pullback { get; init; }

    /// <inheritdoc cref="Definition.Protected"/>
    internal Detour Protected() => this with
    {
        Definition = Definition.Protected(),
        Pullback = Pullback is { } pullback ? (inputs, gradient) => PureCall.Run(inputs, given => pullback(given, gradient)) : null,
    };
}
