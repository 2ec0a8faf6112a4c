using System.Collections.Immutable;
using static TorchSharp.torch;

namespace Interventions.ModelGraphs;

/// <summary>Computes a node's value from its inputs' values, in the order in which they were named. It must not write into them.</summary>
public delegate Tensor Compute(ReadOnlySpan<Tensor> inputs);

/// <summary>Computes some entries of the last axis of a node's value: <c>[batch, pos, …, entry]</c>.</summary>
public delegate Tensor ComputeEntries(ReadOnlySpan<Tensor> inputs, Tensor entries);

/// <summary>
/// Turns the gradient of a node's value into that of the site which a detour goes through, with the detour's inputs as they are where nothing is written: the transpose of the detour's
/// derivative there.
/// </summary>
public delegate Tensor Pullback(ReadOnlySpan<Tensor> inputs, Tensor gradient);

/// <summary>A value of the forward pass, named by its concrete site path (<c>blocks.0.attn.z</c>); names outside the schema are internal.</summary>
/// <param name="Name">Unique in the graph.</param>
/// <param name="Definition">How it is computed on the ordinary path.</param>
/// <param name="Detours">Other ways to compute it, for when a value beside the ordinary path is written; the first that applies is taken.</param>
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

/// <summary>Inputs and the function of them.</summary>
public sealed record Definition(ImmutableArray<NodeInput> Inputs, Compute Compute)
{
    /// <summary>Whether an output position depends on other positions of an input.</summary>
    public bool LooksBeyond => Inputs.Any(input => input.Reach.Kind != ReachKind.Pointwise);

    /// <summary>
    /// The same function for some entries of the value's last axis, by their indices <c>[entry]</c>, int64; <see langword="null"/> if there is none. Who reads two answers' logits
    /// need not compute a vocabulary.
    /// </summary>
    public ComputeEntries? Entries { get; init; }

    /// <summary>The same function for some positions of many variants; <see langword="null"/> if there is none.</summary>
    public Piecewise? Piecewise { get; init; }

    /// <summary>The same with functions that are called again where a collection may have freed a number in them.</summary>
    internal Definition Protected()
    {
        Func<ReadOnlySpan<Tensor>, Tensor> compute = Compute.Invoke;
        return this with
        {
            Compute = inputs => PureCall.Run(inputs, compute),
            Entries = Entries is { } some ? (inputs, entries) => PureCall.Run(inputs, given => some(given, entries)) : null,
            Piecewise = Piecewise?.Protected(),
        };
    }
}

/// <summary>An input, and how far an output position looks into it.</summary>
public readonly record struct NodeInput(string Node, Reach Reach);

/// <summary>
/// A definition that is used only when <paramref name="Through"/> is written or differentiated: such a site (a head's port, one head's result, a norm's
/// scale) does not lie on the ordinary path, so that the untouched model pays nothing for it.
/// </summary>
public sealed record Detour(string Through, Definition Definition)
{
    /// <summary>
    /// The detour's function backwards; <see langword="null"/> if there is none. Who only wants the gradient of <see cref="Through"/> need not take the detour: a head's port is a copy
    /// of the residual for every head.
    /// </summary>
    public Pullback? Pullback { get; init; }

    /// <inheritdoc cref="Definition.Protected"/>
    internal Detour Protected() => this with
    {
        Definition = Definition.Protected(),
        Pullback = Pullback is { } pull ? (inputs, gradient) => PureCall.Run(inputs, given => pull(given, gradient)) : null,
    };
}
