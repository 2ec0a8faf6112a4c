using Interventions.Binding;
using Interventions.Tables;
using Interventions.Tracing;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions;

/// <summary>A site at which a trace stands. It is over when the loop goes on.</summary>
public sealed class TracedSite
{
    private readonly TracedName _name;
    private readonly ModelSchema _schema;
    private readonly TracedPrompts? _prompts;
    private readonly Dictionary<string, TracedPosition> _positions = [];
    private ForwardPass? _pass;
    private Tensor? _value;
    private bool _isAssigned;

    internal TracedSite(TracedName name, ModelSchema schema, ForwardPass pass, TracedPrompts? prompts) =>
        (_name, _schema, _pass, _prompts) = (name, schema, pass, prompts);

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
    /// read. Behind the last token of a prompt that is shorter than others, it is 0, and what is written there is left out.
    /// </summary>
    /// <exception cref="InvalidOperationException">The loop has gone on.</exception>
    /// <exception cref="InterventionException">
    /// The assigned tensor does not broadcast to the value; or a port before this site was written, so that heads which share a value by
    /// the schema have one each. </exception>
    public Tensor Value
    {
        get
        {
            FlushPositions();
            return Seen();
        }

        set
        {
            ArgumentNullException.ThrowIfNull(value);
            FlushPositions();
            Tensor before = Current();
            if (!Shapes.Broadcasts(value.shape, before.shape))
                throw new InterventionException(
                    $"Trace: what replaces '{Name}' is {Shapes.Describe(value)}, "
                    + $"which does not broadcast to {Shapes.Describe(before)} ({string.Join(", ", Axes)}).");
            if (_name.Definition.WholeNumbers && value.is_floating_point())
                throw new InterventionException(
                    $"Trace: what replaces '{Name}' is {value.dtype}; the site holds whole numbers: give it int64.");
            using DisposeScope scope = NewDisposeScope();
            Assign(value.to(before.device).to(before.dtype).expand(before.shape).clone());
        }
    }

    /// <summary>Whether the value, as the loop leaves it, is kept: the trace has it afterwards under <see cref="Name"/>.</summary>
    internal bool IsKept { get; private set; }

    /// <summary>Whether gradients with respect to it can be asked for afterwards.</summary>
    internal bool IsDifferentiated { get; private set; }

    private ForwardPass Pass => _pass ?? throw new InvalidOperationException(
        $"The trace has gone on from '{Name}', whose value is freed. "
        + "Call Keep() while the loop stands there, and read it of the trace afterwards.");

    /// <summary>
    /// The value at one position of each prompt: <c>site.At("end").Value</c>, <c>[batch, …]</c> without the axis of positions.
    /// </summary>
    /// <param name="position">A name of the prompt set, also with an offset, or an index: <c>end</c>, <c>S1+1</c>, <c>-1</c>. Token ids and
    /// texts have <c>end</c>.</param>
    /// <exception cref="InvalidOperationException">The loop has gone on.</exception>
    /// <exception cref="InterventionException">
    /// The prompts have no such position, or the site has queries and keys: <see cref="At(string, string)"/>.
    /// </exception>
    public TracedPosition At(string position)
    {
        ArgumentNullException.ThrowIfNull(position);
        return Position(("pos", position));
    }

    /// <summary>
    /// The value of attention scores or patterns at one query of each prompt, at one key, or both: <c>[batch, head, key]</c>,
    /// <c>[batch, head, query]</c>, <c>[batch, head]</c>.
    /// </summary>
    /// <param name="query">The position that looks.</param>
    /// <param name="key">The position that is looked at.</param>
    /// <exception cref="InvalidOperationException">The loop has gone on.</exception>
    /// <exception cref="InterventionException">The prompts have no such position, or the site has no queries and keys.</exception>
    public TracedPosition At(string? query = null, string? key = null) => Position(("query", query), ("key", key));

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

    /// <summary>
    /// The name and the axes with their lengths, and, while the loop stands there, the values' mean and range. A value that is computed
    /// only when it is read (a port) is not computed for that.
    /// </summary>
    public override string ToString()
    {
        if (_pass?.Known(Name) is not { } known || known.device_type == DeviceType.META)
        {
            IEnumerable<string> axes = Axes.Select(axis => _schema.SizeOf(axis) is int size ? Sized(axis, size) : axis);
            return $"{Name} [{string.Join(", ", axes)}]";
        }
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        Tensor value = (_value ?? known).to(ScalarType.Float64);
        string[] numbers = ShortNumbers.Format(
            [value.mean().item<double>(), value.min().item<double>(), value.max().item<double>()]);
        string line = $"{Name} [{string.Join(", ", Axes.Zip(value.shape, Sized))}]: mean {numbers[0]}, from {numbers[1]} to {numbers[2]}";
        return TextTable.Wrap(line, indent: 2);

        static string Sized(string axis, long size) => FormattableString.Invariant($"{axis} {size}");
    }

    /// <summary>Passes the written value on.</summary>
    internal void Settle()
    {
        FlushPositions();
        if (_value is not { } value)
            return;
        CheckAlive(value, Name);
        // A copy: the loop may have views of the tensor, and later writes into them must not reach the pass.
        if (_isAssigned || Differ(value, Copy()))
            Pass.Replace(Name, _prompts?.Restore(value, Pass.Value(Name), _name.Definition).clone() ?? value.clone());
    }

    /// <summary>A copy of the pass's value, with zeros where there is padding.</summary>
    internal Tensor Copy() => _prompts?.Clean(Pass.Value(Name), _name.Definition).clone() ?? Pass.Value(Name).clone();

    /// <summary>The loop has gone on, or has been left.</summary>
    internal void End()
    {
        foreach (TracedPosition position in _positions.Values)
            position.End();
        _value?.Dispose();
        _value = null;
        _pass = null;
    }

    /// <summary>What the loop sees at a selection: every axis kept.</summary>
    internal Tensor Read(BoundSite selection) => _prompts!.Read(Seen(), selection);

    /// <summary>Replaces what the loop sees at a selection.</summary>
    internal void Write(BoundSite selection, Tensor entries) => Assign(_prompts!.Write(Seen(), selection, entries));

    /// <summary>Refuses a tensor that the loop has disposed.</summary>
    internal static void CheckAlive(Tensor value, string what)
    {
        if (value.IsInvalid)
            throw new InterventionException(
                $"Trace: the value of '{what}' was disposed in the loop, so nobody knows what was written into it. "
                + "The trace frees it; no 'using' is needed.");
    }

    /// <summary>Whether the loop wrote into a tensor in place.</summary>
    internal static bool Differ(Tensor value, Tensor before) =>
        (value.requires_grad && !before.requires_grad)
        || (value.device_type != DeviceType.META && !value.allclose(before, rtol: 0, atol: 0, equal_nan: true));

    private TracedPosition Position(params (string Axis, string? Position)[] positions)
    {
        _ = Current();
        FlushPositions();
        if (_prompts is null)
            throw new InterventionException("Trace: tokens without numbers have no positions to name.");
        BoundSite selection = _prompts.At(_name, positions);
        if (!_positions.TryGetValue(selection.Text, out TracedPosition? known))
            _positions[selection.Text] = known = new TracedPosition(this, selection);
        return known;
    }

    /// <summary>Takes over what was written in place at single positions, in the order in which they were asked for.</summary>
    internal void FlushPositions()
    {
        foreach (TracedPosition position in _positions.Values)
            position.Flush();
    }

    private Tensor Seen()
    {
        _ = Current();
        using DisposeScope scope = NewDisposeScope();
        return _value ??= Copy().DetachFromDisposeScope();
    }

    private void Assign(Tensor written)
    {
        _value?.Dispose();
        (_value, _isAssigned) = (written.DetachFromDisposeScope(), true);
    }

    private Tensor Current()
    {
        Tensor value = Pass.Value(Name);
        BoundSite.CheckAxes("Trace", Name, _name.Definition, [.. Axes.Select(_schema.SizeOf)], value.shape);
        return value;
    }
}
