using System.Collections.Immutable;
using static TorchSharp.torch;

namespace Interventions.ModelGraphs;

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
