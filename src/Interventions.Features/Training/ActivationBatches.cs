using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>Batches that are not from a store.</summary>
public static class ActivationBatches
{
    /// <summary>Batches of a tensor's rows: all rows once, in a random order, then again in another one, without an end.</summary>
    /// <param name="rows"><c>[row, d]</c>, which is borrowed: it lives as long as it is trained on.</param>
    /// <param name="size">How many rows a batch has; what is left at the end of an order is dropped.</param>
    /// <param name="seed">Equal seeds give equal orders.</param>
    /// <param name="targets">What a transcoder reconstructs of each row, <c>[row, d_out]</c>, also borrowed. Default: none.</param>
    /// <exception cref="ArgumentException">There are fewer rows than a batch has, or not as many targets.</exception>
    public static IActivationBatches Of(Tensor rows, int size, int seed = 0, Tensor? targets = null)
    {
        ArgumentNullException.ThrowIfNull(rows);
        if (rows.dim() != 2 || (targets is not null && (targets.dim() != 2 || targets.shape[0] != rows.shape[0])))
            throw new ArgumentException(
                $"Rows are [row, d], and targets as many: these are {Shapes.Describe(rows)}"
                + $"{(targets is null ? "" : $" and {Shapes.Describe(targets)}")}.", nameof(rows));
        if (size < 1 || size > rows.shape[0])
            throw new ArgumentException($"A batch of {size} rows cannot be taken of {rows.shape[0]}.", nameof(size));
        return new Shuffled(rows, size, seed, targets);
    }

    /// <summary>Batches that are made of their number, without an end: of known features, say.</summary>
    /// <param name="batch">Makes the batch of a step, counted from 0; of the same number always the same.</param>
    public static IActivationBatches Of(Func<long, ActivationBatch> batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        return new Made(batch);
    }

    private sealed class Shuffled(Tensor rows, int size, int seed, Tensor? targets) : IActivationBatches
    {
        public IEnumerable<ActivationBatch> From(long step)
        {
            long each = rows.shape[0] / size, next = step % each;
            for (long round = step / each; ; round++, next = 0)
            {
                using Tensor order = Order(round);
                for (; next < each; next++)
                    yield return Taken(order, next * size);
            }
        }

        private ActivationBatch Taken(Tensor order, long start)
        {
            using Tensor places = order.narrow(0, start, size);
            return targets is null ? new ActivationBatch(rows.index_select(0, places))
                : new ActivationBatch(rows.index_select(0, places), targets.index_select(0, places));
        }

        // Whoever goes through the batches may be in another scope for each of them.
        private Tensor Order(long round)
        {
            using DisposeScope scope = NewDisposeScope();
            using Generator generator = new(unchecked((uint)((seed * 1_000_003L) + round)));
            return randperm(rows.shape[0], generator: generator).to(rows.device).DetachFromDisposeScope();
        }
    }

    private sealed class Made(Func<long, ActivationBatch> batch) : IActivationBatches
    {
        public IEnumerable<ActivationBatch> From(long step)
        {
            for (long next = step; ; next++)
                yield return batch(next);
        }
    }
}
