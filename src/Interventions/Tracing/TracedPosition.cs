using Interventions.Binding;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions;

/// <summary>One position of each prompt, at a site at which a trace stands.</summary>
public sealed class TracedPosition
{
    private readonly TracedSite _site;
    private readonly BoundSite _selection;
    private readonly List<Tensor> _handed = [];

    /// <summary>What was handed out last, and what it was then.</summary>
    private Tensor? _value, _found;

    internal TracedPosition(TracedSite site, BoundSite selection) => (_site, _selection) = (site, selection);

    /// <summary>
    /// The value, <c>[batch, …]</c>: the site's axes without those that the position fixes. The model goes on with what is assigned (a
    /// number, or a tensor that broadcasts to the value), or with the value after it was written in place; other positions stay as they
    /// are. The tensor is freed when the loop goes on.
    /// </summary>
    /// <exception cref="InvalidOperationException">The loop has gone on.</exception>
    /// <exception cref="InterventionException">The assigned tensor does not broadcast to the value.</exception>
    public Tensor Value
    {
        get
        {
            _site.FlushPositions();
            using IDisposable mode = enable_grad();
            using DisposeScope scope = NewDisposeScope();
            Tensor now = Read();
            if (_found is not null && !TracedSite.Differ(now, _found))
                return _value!;
            _found?.Dispose();
            _found = now.clone().DetachFromDisposeScope();
            _handed.Add(_value = now.DetachFromDisposeScope());
            return _value;
        }

        set
        {
            ArgumentNullException.ThrowIfNull(value);
            _site.FlushPositions();
            using IDisposable mode = enable_grad();
            using DisposeScope scope = NewDisposeScope();
            Tensor before = Read();
            if (!Shapes.Broadcasts(value.shape, before.shape))
                throw new InterventionException(
                    $"Trace: what replaces '{_selection.Text}' is {Shapes.Describe(value)}, which does not broadcast to "
                    + $"{Shapes.Describe(before)} ({string.Join(", ", Axes)}).");
            Write(value.to(before.device).to(before.dtype).expand(before.shape));
        }
    }

    /// <summary>The axes of the value, outermost first.</summary>
    public IReadOnlyList<string> Axes => [.. _selection.Definition.Axes.Where((_, axis) => !IsFixed(axis))];

    /// <summary>The site and the position.</summary>
    public override string ToString() => $"{_selection.Text} [{string.Join(", ", Axes)}]";

    /// <summary>Hands over what was written in place.</summary>
    internal void Flush()
    {
        if (_value is not { } value)
            return;
        TracedSite.CheckAlive(value, _selection.Text);
        if (!TracedSite.Differ(value, _found!))
            return;
        using IDisposable mode = enable_grad();
        using DisposeScope scope = NewDisposeScope();
        Write(value);
        _found!.Dispose();
        _found = value.clone().DetachFromDisposeScope();
    }

    /// <summary>The loop has gone on, or has been left.</summary>
    internal void End()
    {
        foreach (Tensor handed in _handed)
            handed.Dispose();
        _found?.Dispose();
    }

    private bool IsFixed(int axis) => _selection.Axes[axis].Items.Count > 0;

    private Tensor Read()
    {
        Tensor selected = _site.Read(_selection);
        return selected.reshape([.. selected.shape.Where((_, axis) => !IsFixed(axis))]);
    }

    private void Write(Tensor entries)
    {
        Queue<long> sizes = new(entries.shape);
        _site.Write(_selection, entries.reshape([.. _selection.Definition.Axes.Select((_, axis) => IsFixed(axis) ? 1L : sizes.Dequeue())]));
    }
}
