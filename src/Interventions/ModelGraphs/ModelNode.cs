using System.Collections.Immutable;
using static TorchSharp.torch;

namespace Interventions.ModelGraphs;

/// <summary>Computes a node's value from its inputs' values, in the order in which they were named. It must not write into them.</summary>
public delegate Tensor Compute(ReadOnlySpan<Tensor> inputs);

/// <summary>Computes some entries of the last axis of a node's value: <c>[batch, pos, …, entry]</c>.</summary>
public delegate Tensor ComputeEntries(ReadOnlySpan<Tensor> inputs, Tensor entries);

/// <summary>
/// Turns the gradient of a node's value into the gradient of the site that a detour goes through: the transpose of the detour's derivative,
/// at the inputs and the value of an untouched model.
/// </summary>
public delegate Tensor Pullback(ReadOnlySpan<Tensor> inputs, Tensor value, Tensor gradient);

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
        Pullback = Pullback is { } pullback
            ? (inputs, value, gradient) => PureCall.Run(inputs, given => pullback(given, value, gradient))
            : null,
    };
}

/// <summary>The positions of an input on which one position of a node's output depends.</summary>
public enum ReachKind
{
    /// <summary>Its own position only.</summary>
    Pointwise,

    /// <summary>Its own and all earlier positions.</summary>
    Causal,

    /// <summary>The last <see cref="Reach.Width"/> positions, its own included.</summary>
    Windowed,

    /// <summary>All positions.</summary>
    Full,
}

/// <summary>The reach of an output position into an input.</summary>
/// <remarks>
/// A node may be computed for some positions alone. It then gets those positions of every input that it reads pointwise, and knows which
/// they are only from <see cref="ModelGraph.Positions"/>. Its other inputs have their positions on the axis behind the batch, earlier ones
/// first, and may hold more positions than are seen.
/// </remarks>
/// <param name="Kind">The kind of dependence.</param>
/// <param name="Width">Positions seen, the own one included, when <see cref="ReachKind.Windowed"/>; otherwise 0.</param>
public readonly record struct Reach(ReachKind Kind, int Width = 0)
{
    /// <summary>Its own position only.</summary>
    public static Reach Pointwise => new(ReachKind.Pointwise);

    /// <summary>Its own and all earlier positions.</summary>
    public static Reach Causal => new(ReachKind.Causal);

    /// <summary>All positions.</summary>
    public static Reach Full => new(ReachKind.Full);

    /// <summary>The last <paramref name="width"/> positions, its own included.</summary>
    public static Reach Windowed(int width) => new(ReachKind.Windowed, width);
}

/// <summary>
/// A function for some positions of a node that looks beyond its own position, for many variants of a prompt at once. The values that
/// variants share with the prompt are handed over once, not copied. A definition without such a function is computed for whole sequences.
/// </summary>
/// <param name="Own">The names of the inputs that are read at the own position only.</param>
/// <param name="History">
/// The inputs that are read at other positions too, each with its reach; the pieces hide the positions that a reach excludes.
/// </param>
/// <param name="Compute">The function.</param>
public sealed record Piecewise(ImmutableArray<string> Own, ImmutableArray<NodeInput> History, PiecewiseCompute Compute)
{
    /// <inheritdoc cref="Definition.Protected"/>
    internal Piecewise Protected()
    {
        PiecewiseCompute compute = Compute;
        return this with { Compute = (own, pieces) => PureCall.Run(new Arguments(own, pieces), given => compute(given.Own, given.Pieces)) };
    }

    private readonly ref struct Arguments(ReadOnlySpan<Tensor> own, ReadOnlySpan<HistoryPiece> pieces)
    {
        public readonly ReadOnlySpan<Tensor> Own = own;
        public readonly ReadOnlySpan<HistoryPiece> Pieces = pieces;
    }
}

/// <summary>
/// Computes positions of a node, <c>[lanes, positions, …]</c>, from its own inputs, <c>[lanes, positions, …]</c>, and a history in pieces.
/// </summary>
public delegate Tensor PiecewiseCompute(ReadOnlySpan<Tensor> own, ReadOnlySpan<HistoryPiece> pieces);

/// <summary>Some positions of the history, the same ones for every lane.</summary>
/// <param name="Inputs">
/// One tensor an input, <c>[sources, keys, …]</c>; lane <c>l</c> sees source <c>l % sources</c>. Inputs may differ in their sources.
/// </param>
/// <param name="Hidden">
/// True where an own position does not see a key: <c>[positions, keys]</c>, bool; <see langword="null"/> if it sees all.
/// </param>
public readonly record struct HistoryPiece(ImmutableArray<Tensor> Inputs, Tensor? Hidden);
