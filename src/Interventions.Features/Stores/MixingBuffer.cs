using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>
/// Rows that are held and mixed. Which rows those are depends on the contexts' tokens alone, so that nothing is computed before a row is
/// taken out.
/// </summary>
/// <param name="reader">Takes rows of contexts, again and again from the corpus's beginning.</param>
/// <param name="size">How many rows are held, at least.</param>
/// <param name="seed">Draws the order.</param>
internal sealed class MixingBuffer(ActivationReader reader, int size, long seed) : IDisposable
{
    private readonly IEnumerator<IReadOnlyList<long>[]> _batches = Endless(reader).GetEnumerator();

    /// <summary>The batches of contexts of which rows are held, by number.</summary>
    private readonly Dictionary<long, IReadOnlyList<long>[]> _contexts = [];
    private RowPlace[] _rows = [];
    private ActivationBatch? _values;
    private long _read, _refills;
    private int _given;

    /// <summary>Gives rows away unseen.</summary>
    public void Skip(int count)
    {
        Refill(count);
        _given += count;
    }

    /// <summary>The next rows, which the caller owns.</summary>
    public ActivationBatch Take(int count)
    {
        Refill(count);
        _values ??= Values(_rows);
        Tensor input = Copied(_values.Input);
        Tensor target = ReferenceEquals(_values.Input, _values.Target) ? input : Copied(_values.Target);
        _given += count;
        return new ActivationBatch(input, target);

        Tensor Copied(Tensor rows)
        {
            using Tensor some = rows.narrow(0, _given, count);
            return some.clone();
        }
    }

    public void Dispose()
    {
        _values?.Dispose();
        _batches.Dispose();
    }

    /// <summary>Where half of the rows are given away, puts further ones in their place and shuffles all.</summary>
    private void Refill(int needed)
    {
        if (_rows.Length - _given >= Math.Max(needed, size / 2))
            return;
        RowPlace[] added = Added(), all = [.. _rows[_given..], .. added];
        Permutation order = new(all.Length, seed, _refills++);
        long[] places = [.. Enumerable.Range(0, all.Length).Select(place => order[place])];
        if (_values is not null)
            Mix(added, places);
        (_rows, _given) = ([.. places.Select(place => all[place])], 0);
        HashSet<long> held = [.. _rows.Select(row => row.Batch)];
        foreach (long batch in _contexts.Keys.Where(batch => !held.Contains(batch)).ToArray())
            _contexts.Remove(batch);
    }

    /// <summary>The places of further rows: those of whole batches of contexts, until there are enough.</summary>
    private RowPlace[] Added()
    {
        List<RowPlace> added = [];
        while (_rows.Length - _given + added.Count < size && _batches.MoveNext())
        {
            long batch = _read++;
            int count = reader.CountOf(_batches.Current);
            if (count > 0)
                _contexts[batch] = _batches.Current;
            added.AddRange(Enumerable.Range(0, count).Select(row => new RowPlace(batch, row)));
        }
        return [.. added];
    }

    private void Mix(RowPlace[] added, long[] places)
    {
        using DisposeScope scope = NewDisposeScope();
        using ActivationBatch old = _values!, more = Values(added);
        Tensor order = tensor(places, device: old.Input.device);
        Tensor input = Mixed(old.Input, more.Input);
        _values = new ActivationBatch(
            input.DetachFromDisposeScope(),
            ReferenceEquals(old.Input, old.Target) ? input : Mixed(old.Target, more.Target).DetachFromDisposeScope());

        Tensor Mixed(Tensor held, Tensor further) => cat([held.narrow(0, _given, held.shape[0] - _given), further]).index_select(0, order);
    }

    /// <summary>The values of rows, in no dispose scope.</summary>
    private ActivationBatch Values(RowPlace[] rows)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor? input = null, target = null;
        foreach (IGrouping<long, (RowPlace Row, int Place)> some in rows.Select((row, place) => (row, place)).GroupBy(row => row.row.Batch))
        {
            using ActivationBatch batch = reader.Rows(_contexts[some.Key]);
            Tensor index = tensor(some.Select(row => (long)row.Row.Row).ToArray(), device: batch.Input.device);
            Tensor places = tensor(some.Select(row => (long)row.Place).ToArray(), device: batch.Input.device);
            Put(ref input, batch.Input);
            if (!ReferenceEquals(batch.Input, batch.Target))
                Put(ref target, batch.Target);

            void Put(ref Tensor? all, Tensor part)
            {
                all ??= empty([rows.Length, part.shape[1]], part.dtype, part.device);
                all.index_copy_(0, places, part.index_select(0, index));
            }
        }
        return new ActivationBatch(input!.DetachFromDisposeScope(), (target ?? input).DetachFromDisposeScope());
    }

    private static IEnumerable<IReadOnlyList<long>[]> Endless(ActivationReader reader)
    {
        while (true)
        {
            bool hasRows = false;
            foreach (IReadOnlyList<long>[] batch in reader.Batches())
            {
                hasRows = hasRows || reader.CountOf(batch) > 0;
                yield return batch;
            }
            if (!hasRows)
                throw new InterventionException("The corpus has no positions but those that are left out.");
        }
    }

    /// <summary>Where a row comes from.</summary>
    /// <param name="Batch">The number of the batch of contexts.</param>
    /// <param name="Row">The number of the row among those of the batch.</param>
    private readonly record struct RowPlace(long Batch, int Row);
}
