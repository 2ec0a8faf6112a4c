using System.Collections.Immutable;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>A row that lies near another one.</summary>
/// <param name="Row">Its number.</param>
/// <param name="Cosine">The cosine with the other one.</param>
public sealed record Neighbour(int Row, double Cosine);

/// <summary>
/// Whether rows differ by one offset from each other, such as countries from their capitals: the mean difference of some pairs, and how
/// much of the differences of other pairs it explains.
/// </summary>
/// <param name="Offset">The mean difference, target − source: <c>[d]</c>.</param>
/// <param name="Explained">1 − Σ‖difference − offset‖² / Σ‖difference‖², over held-out pairs.</param>
/// <param name="Along">Σ(difference · û)² / Σ‖difference‖², û the offset's unit vector: the same with the best length for each.</param>
public sealed record OffsetTest(ImmutableArray<double> Offset, double Explained, double Along)
{
    /// <summary>Tests pairs of rows.</summary>
    /// <param name="source">Rows, <c>[pair, d]</c>.</param>
    /// <param name="target">The others, <c>[pair, d]</c>.</param>
    /// <param name="split">Which pairs give the offset, and which are held out.</param>
    /// <exception cref="ArgumentException">The shapes differ, or a side has no pair.</exception>
    public static OffsetTest Of(Tensor source, Tensor target, ProbeSplit split)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(target);
        ArgumentNullException.ThrowIfNull(split);
        if (source.dim() != 2 || !source.shape.AsSpan().SequenceEqual(target.shape))
            throw new ArgumentException(
                $"Pairs are rows of two tensors [pair, d]; these are {Shapes.Describe(source)} and {Shapes.Describe(target)}.",
                nameof(target));
        if (split.Train.Length == 0 || split.Test.Length == 0)
            throw new ArgumentException($"{split.Train.Length} pairs give the offset, {split.Test.Length} are held out.", nameof(split));
        using DisposeScope scope = NewDisposeScope();
        Tensor differences = target.detach().to(ScalarType.Float64).cpu().sub(source.detach().to(ScalarType.Float64).cpu());
        Tensor offset = Rows(split.Train).mean([0L]), held = Rows(split.Test);
        Tensor all = held.squared().sum();
        return new OffsetTest(
            [.. offset.Doubles()],
            1 - held.sub(offset).squared().sum().div(all).item<double>(),
            held.mv(offset.div(offset.norm().at_least(1e-300))).squared().sum().div(all).item<double>());

        Tensor Rows(ImmutableArray<int> rows) => differences.index_select(0, tensor(rows.Select(row => (long)row).ToArray()));
    }

    /// <inheritdoc/>
    public override string ToString() => FormattableString.Invariant(
        $"one offset explains {Explained:P1} of held-out differences, along its direction {Along:P1}");
}

/// <summary>
/// How rows of an embedding lie: <c>model.Weights["embed.weight"]</c>, or residual streams. Most embeddings have a large mean, so that all
/// raw cosines are alike: rows are compared less their mean.
/// </summary>
public static class EmbeddingChecks
{
    /// <summary>The mean cosine over all pairs of different rows.</summary>
    /// <param name="rows"><c>[row, d]</c>, two at least.</param>
    /// <param name="centred">Whether the rows' mean is subtracted before. Default: true.</param>
    /// <exception cref="ArgumentException">There are less than two rows.</exception>
    public static double MeanCosine(Tensor rows, bool centred = true)
    {
        using DisposeScope scope = NewDisposeScope();
        // Σ over pairs of ûᵢ·ûⱼ = ‖Σ û‖² − Σ ‖û‖².
        Tensor units = Units(rows, centred);
        double count = units.shape[0], own = units.squared().sum().item<double>();
        return (units.sum([0L]).squared().sum().item<double>() - own) / (count * (count - 1));
    }

    /// <summary>The rows that lie nearest to each row by cosine, the nearest first.</summary>
    /// <param name="rows"><c>[row, d]</c>.</param>
    /// <param name="count">How many.</param>
    /// <param name="centred">Whether the rows' mean is subtracted before. Default: true.</param>
    /// <param name="of">The rows that are asked about. Default: all.</param>
    /// <exception cref="ArgumentException">There are not so many other rows.</exception>
    public static ImmutableArray<ImmutableArray<Neighbour>> Neighbours(
        Tensor rows, int count, bool centred = true, IReadOnlyList<int>? of = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        using DisposeScope scope = NewDisposeScope();
        Tensor units = Units(rows, centred);
        if (count >= units.shape[0])
            throw new ArgumentException($"Of {units.shape[0]} rows none has {count} others.", nameof(count));
        return [.. (of ?? [.. Enumerable.Range(0, (int)units.shape[0])]).Select(row =>
        {
            using DisposeScope inner = NewDisposeScope();
            (Tensor cosines, Tensor places) = units.mv(units[row]).topk(count + 1);
            return cosines.Doubles().Zip(places.Doubles(), (cosine, place) => new Neighbour((int)place, cosine))
                .Where(other => other.Row != row).Take(count).ToImmutableArray();
        })];
    }

    private static Tensor Units(Tensor rows, bool centred)
    {
        ArgumentNullException.ThrowIfNull(rows);
        if (rows.dim() != 2 || rows.shape[0] < 2)
            throw new ArgumentException($"Rows to compare are [row, d], two at least; these are {Shapes.Describe(rows)}.", nameof(rows));
        Tensor values = rows.detach().to(ScalarType.Float64).cpu();
        values = centred ? values.sub(values.mean([0L])) : values;
        return values.div(values.norm(-1, keepdim: true).at_least(1e-300));
    }
}
