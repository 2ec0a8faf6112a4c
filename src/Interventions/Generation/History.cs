using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Generation;

/// <summary>
/// The values of one node at all positions so far, <c>[batch, pos, …]</c>: position p of every prompt lies in slot p, whatever the prompts' lengths. Room is made ahead, twice as
/// much each time, so that adding a position copies nothing else; positions that nobody sees any more are dropped when room is made.
/// </summary>
internal sealed class History(DisposeScope owner)
{
    private Tensor? _slots;
    private int _first, _end;

    /// <summary>Whether nothing was added yet.</summary>
    public bool IsEmpty => _slots is null;

    /// <summary>Adds the values of new positions.</summary>
    /// <param name="values">The values, <c>[batch, count, …]</c>.</param>
    /// <param name="starts">Each prompt's first new position.</param>
    /// <param name="firstSeen">The first position that is still seen.</param>
    public void Add(Tensor values, int[] starts, int firstSeen)
    {
        int count = (int)values.shape[1], end = starts.Max() + count;
        Reserve(values, end, firstSeen);
        Tensor slots = _slots!;
        if (starts.Distinct().Count() == 1)
        {
            using Tensor place = slots.narrow(1, starts[0] - _first, count);
            place.copy_(values);
        }
        else
        {
            using DisposeScope scope = NewDisposeScope();
            long room = slots.shape[1];
            long[] places = [.. starts.SelectMany((start, row) => Enumerable.Range(start - _first, count).Select(slot => (row * room) + slot))];
            slots.flatten(0, 1).index_copy_(0, tensor(places, device: slots.device), values.flatten(0, 1));
        }
        _end = Math.Max(_end, end);
    }

    /// <summary>The values from a position on, a view: <c>[batch, …, …]</c>.</summary>
    public Tensor From(int position) => _slots!.narrow(1, position - _first, _end - position);

    private void Reserve(Tensor values, int end, int firstSeen)
    {
        if (_slots is not null && end - _first <= _slots.shape[1])
            return;
        using DisposeScope scope = NewDisposeScope();
        int first = _slots is null ? 0 : Math.Clamp(firstSeen, _first, _end), kept = _end - first;
        // The first pass is not known to be followed by many: it gets some room only. Zeros, since slots that no prompt has reached may be read, though not seen.
        long[] shape = values.shape;
        shape[1] = _slots is null ? end - first + 16 : Math.Max(end - first, 2 * kept);
        Tensor slots = zeros(shape, dtype: values.dtype, device: values.device);
        if (_slots is not null)
            slots.narrow(1, 0, kept).copy_(_slots.narrow(1, first - _first, kept));
        _slots?.Dispose();
        _slots = slots.moved_to(owner);
        _first = first;
    }
}
