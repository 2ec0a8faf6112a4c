using Interventions.Binding;
using Interventions.Tracing;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions;

/// <summary>A site at which a trace stands. It is over when the loop goes on.</summary>
public sealed class TracedSite
{
    private readonly TracedName _name;
    private readonly ModelSchema _schema;
    private ForwardPass? _pass;
    private Tensor? _value;
    private bool _isAssigned;

    internal TracedSite(TracedName name, ModelSchema schema, ForwardPass pass) => (_name, _schema, _pass) = (name, schema, pass);

    /// <summary>Its path: <c>blocks.3.attn.z</c>.</summary>
    public string Name => _name.Node;

    /// <summary>Its layer; <see langword="null"/> where it has none.</summary>
    public int? Layer => _name.Layer;

    /// <summary>Its axes, outermost first: <c>batch</c>, <c>pos</c>, <c>head</c>, <c>d_head</c>.</summary>
    public IReadOnlyList<string> Axes => _name.Definition.Axes;

    /// <summary>
    /// The value, in the named axes. The model goes on with the tensor that is assigned (it is copied; its shape is the value's, or
    /// broadcasts to it), or with the value after it was written in place. The tensor is freed when the loop goes on: call
    /// <see cref="Keep"/> for later use. The value of a site beside the ordinary path, such as a port, is computed when this property is
    /// read.
    /// </summary>
    /// <exception cref="InvalidOperationException">The loop has gone on.</exception>
    /// <exception cref="InterventionException">
    /// The assigned tensor does not broadcast to the value; or a port before this site was written, so that heads which share a value by
    /// the schema have one each. </exception>
    public Tensor Value
    {
        get
        {
            Tensor value = Current();
            using DisposeScope scope = NewDisposeScope();
            return _value ??= value.clone().DetachFromDisposeScope();
        }

        set
        {
            ArgumentNullException.ThrowIfNull(value);
            Tensor before = Current();
            if (!Shapes.Broadcasts(value.shape, before.shape))
                throw new InterventionException(
                    $"Trace: what replaces '{Name}' is {Shapes.Describe(value)}, "
                    + $"which does not broadcast to {Shapes.Describe(before)} ({string.Join(", ", Axes)}).");
            if (_name.Definition.WholeNumbers && value.is_floating_point())
                throw new InterventionException(
                    $"Trace: what replaces '{Name}' is {value.dtype}; the site holds whole numbers: give it int64.");
            using DisposeScope scope = NewDisposeScope();
            Tensor written = value.to(before.device).to(before.dtype).expand(before.shape).clone().DetachFromDisposeScope();
            _value?.Dispose();
            (_value, _isAssigned) = (written, true);
        }
    }

    /// <summary>Whether the value, as the loop leaves it, is kept: the trace has it afterwards under <see cref="Name"/>.</summary>
    internal bool IsKept { get; private set; }

    /// <summary>Whether gradients with respect to it can be asked for afterwards.</summary>
    internal bool IsDifferentiated { get; private set; }

    private ForwardPass Pass => _pass ?? throw new InvalidOperationException(
        $"The trace has gone on from '{Name}', whose value is freed. "
        + "Call Keep() while the loop stands there, and read it of the trace afterwards.");

    /// <summary>Keeps the value, as the loop leaves it: <c>trace["blocks.3.attn.z"]</c>.</summary>
    /// <exception cref="InvalidOperationException">The loop has gone on.</exception>
    public void Keep() => IsKept = Current() is not null;

    /// <summary>
    /// Makes <see cref="ModelTrace.Gradient"/> answer for this site. From here on the pass records its computations for the backward pass,
    /// and the trace frees that memory. Like a write, the call leads the path through the site: after a port, its head has a norm of its
    /// own, and the shared one counts for the other heads only.
    /// </summary>
    /// <exception cref="InvalidOperationException">The loop has gone on.</exception>
    /// <exception cref="InterventionException">The site holds whole numbers, which have no gradient.</exception>
    public void KeepGradient() => IsDifferentiated = _name.Definition.WholeNumbers
        ? throw new InterventionException($"Trace: '{Name}' holds whole numbers, which have no gradient.")
        : Current() is not null;

    /// <summary>Whether a path names this site: <c>site.Matches("blocks.[2..4].attn.z")</c>.</summary>
    /// <exception cref="InterventionException">It names no site of the model, or selects a part of one.</exception>
    public bool Matches(string path) => TracedNames.Of(_schema, path).Names.Any(name => name.Node == Name);

    /// <summary>The name and the axes.</summary>
    public override string ToString() => $"{Name} [{string.Join(", ", Axes)}]";

    /// <summary>Passes the written value on.</summary>
    internal void Settle()
    {
        if (_value is not { } value)
            return;
        if (value.IsInvalid)
            throw new InterventionException(
                $"Trace: the value of '{Name}' was disposed in the loop, so nobody knows what was written into it. "
                + "The trace frees it; no 'using' is needed.");
        // A copy: the loop may have views of the tensor, and later writes into them must not reach the pass.
        if (_isAssigned || HasChanged(value))
            Pass.Replace(Name, value.clone());
    }

    /// <summary>The loop has gone on, or has been left.</summary>
    internal void End()
    {
        _value?.Dispose();
        _value = null;
        _pass = null;
    }

    private Tensor Current()
    {
        Tensor value = Pass.Value(Name);
        BoundSite.CheckAxes("Trace", Name, _name.Definition, [.. Axes.Select(_schema.SizeOf)], value.shape);
        return value;
    }

    /// <summary>Whether the loop wrote into the tensor in place.</summary>
    private bool HasChanged(Tensor value)
    {
        Tensor before = Pass.Value(Name);
        return (value.requires_grad && !before.requires_grad)
            || (value.device_type != DeviceType.META && !value.allclose(before, rtol: 0, atol: 0, equal_nan: true));
    }
}
