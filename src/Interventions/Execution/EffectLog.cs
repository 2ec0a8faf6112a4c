using System.Collections.Immutable;
using Interventions.Binding;
using Interventions.Planning;
using Interventions.Results;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Execution;

/// <summary>Counts what declared writes change. Counts stay tensors until the end, so that no write waits for another.</summary>
/// <param name="intervention">The declaration.</param>
/// <param name="owner">The scope of the whole run.</param>
internal sealed class EffectLog(BoundIntervention intervention, DisposeScope owner)
{
    private readonly ImmutableArray<BoundWrite> _writes = [.. intervention.Writes.SelectMany(write => write.Declared)];
    private readonly Dictionary<int, WriteCount> _counts = [];
    private readonly Dictionary<int, (Tensor Changed, Tensor Largest)> _differences = [];

    /// <summary>False on the meta device, where nobody knows what changes.</summary>
    private bool _hasNumbers = true;

    /// <summary>Adds what is known without looking at any value.</summary>
    public void Count(int write, WriteCount count) => _counts[write] = _counts.GetValueOrDefault(write) + count;

    /// <summary>Adds how values differ from those that a write found.</summary>
    /// <param name="write">The write's number.</param>
    /// <param name="found">What it found.</param>
    /// <param name="written">What it writes, or what broadcasts to it.</param>
    /// <param name="unseen">True where nobody computed what it found.</param>
    public void Compare(int write, Tensor found, Tensor written, Tensor? unseen = null)
    {
        _hasNumbers &= found.device_type != DeviceType.META;
        if (found.NumberOfElements == 0 || !_hasNumbers)
            return;
        using IDisposable mode = no_grad();
        using DisposeScope scope = NewDisposeScope();
        written = written.to(found.dtype);
        Tensor same = found.eq(written);
        if (unseen is not null)
            same = same.logical_or(unseen);
        Tensor changed = same.logical_not().sum(), largest = (written - found).abs().filled(same, 0).max();
        if (_differences.TryGetValue(write, out (Tensor Changed, Tensor Largest) before))
        {
            (changed, largest) = (changed.plus(before.Changed), largest.maximum(before.Largest));
            before.Changed.Dispose();
            before.Largest.Dispose();
        }
        _differences[write] = (changed.moved_to(owner), largest.moved_to(owner));
    }

    /// <summary>What every declared write did.</summary>
    public ImmutableArray<WriteTally> Tallies() => [.. _writes.Select(write =>
    {
        WriteCount count = _counts.GetValueOrDefault(write.Number);
        (long changed, double largest) = _differences.TryGetValue(write.Number, out var found)
            ? (found.Changed.item<long>(), found.Largest.to(ScalarType.Float64).item<double>())
            : (0, 0);
        return new WriteTally(new WriteEffect(write.Node.Name, write.Site.Text, write.Node.Run, count.Selected, count.Written, count.Compared, changed, largest), count.Read, _hasNumbers ? count.Due : 0);
    })];
}
