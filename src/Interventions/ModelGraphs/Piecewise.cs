using System.Collections.Immutable;
using Interventions.Execution;
using Interventions.Generation;
using static TorchSharp.torch;

namespace Interventions.ModelGraphs;

/// <summary>
/// How to compute some positions of a node that looks beyond its own position, for many variants of a prompt at once: what variants share with the prompt that they vary is
/// handed over once, not copied. A definition without it is computed for whole sequences.
/// </summary>
/// <param name="Own">The inputs that are read at the own position.</param>
/// <param name="History">The inputs that are read further, with how far; positions that a reach excludes are hidden in the pieces.</param>
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

/// <summary>Computes positions of a node from its own inputs, <c>[lanes, positions, …]</c>, and a history that comes in pieces; returns <c>[lanes, positions, …]</c>.</summary>
public delegate Tensor PiecewiseCompute(ReadOnlySpan<Tensor> own, ReadOnlySpan<HistoryPiece> pieces);

/// <summary>Some positions of the history, the same ones for every lane.</summary>
/// <param name="Inputs">One tensor an input, <c>[sources, keys, …]</c>; lane <c>l</c> sees source <c>l % sources</c>. Inputs may differ in their sources.</param>
/// <param name="Hidden">Which of these positions an own position does not see: <c>[positions, keys]</c>, bool; <see langword="null"/> if it sees all.</param>
public readonly record struct HistoryPiece(ImmutableArray<Tensor> Inputs, Tensor? Hidden);
