using Interventions.ModelGraphs;

namespace Interventions.Features;

/// <summary>
/// Batches of a model's values straight from the model, without files, for those who have little disc: rows of many contexts are held and
/// mixed. When half of them were given away, others come in their place, and all are shuffled. The corpus begins anew when it ends.
/// </summary>
/// <remarks>
/// The same seed gives the same batches, bit by bit. To begin at a later step, the earlier ones are gone through without the model, which
/// then computes those contexts alone of which rows are held.
/// </remarks>
public sealed class ActivationStream : IActivationBatches
{
    private readonly ActivationReader _reader;
    private readonly int _size, _buffer;
    private readonly long _seed;

    private ActivationStream(ActivationReader reader, int size, int buffer, long seed) =>
        (_reader, _size, _buffer, _seed) = (reader, size, buffer, seed);

    /// <summary>Batches of a model's values at the positions of a corpus.</summary>
    /// <param name="model">The model.</param>
    /// <param name="corpus">The contexts.</param>
    /// <param name="site">One site, see <see cref="ActivationStore.Fill"/>.</param>
    /// <param name="size">How many rows a batch has.</param>
    /// <param name="seed">Draws the order of the rows.</param>
    /// <param name="options">Which positions are left out, and how many rows are held.</param>
    /// <exception cref="InterventionException">The model lacks the site.</exception>
    /// <exception cref="ArgumentException">The buffer holds less than two batches.</exception>
    public static ActivationStream Of(
        HookedModel model, Corpus corpus, string site, int size, long seed = 0, StreamOptions? options = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        options ??= new();
        if (options.Buffer / 2 < size)
            throw new ArgumentException(
                $"A buffer of {options.Buffer} rows is refilled when half of them are left, which are less than a batch of {size}: set "
                + $"{nameof(StreamOptions)}.{nameof(StreamOptions.Buffer)} to {2L * size} at least.", nameof(options));
        return new ActivationStream(new ActivationReader(model, corpus, site, options), size, options.Buffer, seed);
    }

    /// <inheritdoc/>
    /// <exception cref="InterventionException">No position of the corpus is taken.</exception>
    public IEnumerable<ActivationBatch> From(long step)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        return Batches(step);
    }

    private IEnumerable<ActivationBatch> Batches(long step)
    {
        using MixingBuffer buffer = new(_reader, _buffer, _seed);
        for (long number = 0; number < step; number++)
            buffer.Skip(_size);
        while (true)
            yield return buffer.Take(_size);
    }
}
