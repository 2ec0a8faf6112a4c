using Interventions.ModelGraphs;
using Interventions.Sites;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Generation;

/// <summary>
/// Computes a <see cref="ModelGraph"/> some positions at a time. It holds the values that a node reads with another reach than
/// <see cref="Reach.Pointwise"/>, after their writes, and computes the new positions alone. It knows nothing about attention.
/// </summary>
internal sealed class IncrementalEvaluator
{
    private readonly PositionAxes _axes;
    private readonly HashSet<string> _wanted, _readBack;
    private readonly bool _keepsAll;
    private readonly NodeOrder _order;
    private readonly Device _device;
    private readonly Dictionary<string, History> _histories = [];
    private readonly Dictionary<string, int?> _windows = [];
    private readonly Dictionary<string, Definition> _positional = [];

    /// <param name="model">The model.</param>
    /// <param name="demand">What is read and written at any pass: every pass takes the same detours.</param>
    /// <param name="owner">Owns what is held.</param>
    public IncrementalEvaluator(HookedModel model, RunDemand demand, DisposeScope owner)
    {
        _axes = new PositionAxes(model.Schema);
        _device = model.Device;
        _wanted = demand.Reads;
        _readBack = demand.ReadBack;
        _order = NodeOrder.Of(model.Graph, _wanted, demand.Written);
        // Where methods select keys, a window must not drop any.
        _keepsAll = demand.Written.Concat(_wanted).Any(_axes.HasKeys);
        foreach (NodeInput input in _order.Steps.SelectMany(step => step.Definition.Inputs).Where(IsHeld))
            Hold(input.Node, Window(input));
        foreach (string node in _readBack)
            Hold(node, null);
        FindPositional(demand.Written);

        void Hold(string node, int? window)
        {
            int? widest = _histories.TryAdd(node, new History(owner)) ? window : _windows[node];
            _windows[node] = window is int width && widest is int known ? Math.Max(width, known) : null;
        }
    }

    /// <summary>Why a run cannot be computed some positions at a time; <see langword="null"/> if it can.</summary>
    public static string? Refusal(HookedModel model, RunDemand demand)
    {
        foreach ((ModelNode node, Definition definition) in NodeOrder.Of(model.Graph, demand.Reads, demand.Written).Steps)
            foreach (NodeInput input in definition.Inputs)
                if (input.Reach.Kind == ReachKind.Full)
                    return $"'{node.Name}' looks at all positions of '{input.Node}', so that every new token changes earlier values";
        PositionAxes axes = new(model.Schema);
        foreach (string node in demand.ReadBack)
            if (axes.Of(node) != 1)
                return $"earlier rows of '{node}' are read, which has as many columns as there are tokens so far";
        return null;
    }

    /// <summary>Computes the next positions of every prompt.</summary>
    /// <param name="tokens">Their tokens, <c>[batch, count]</c>.</param>
    /// <param name="starts">Each prompt's first new position: 0 at the first call. Positions follow each other without gaps.</param>
    /// <param name="writes">By written node, what replaces the new positions' value.</param>
    /// <param name="cancellationToken">Checked before every node.</param>
    /// <returns>
    /// The values that are read, at the new positions, and those that are read back, at all positions; the caller owns them.
    /// </returns>
    public (Dictionary<string, Tensor> New, Dictionary<string, Tensor> Held) Next(
        Tensor tokens, int[] starts, IReadOnlyDictionary<string, NodeWrite> writes, CancellationToken cancellationToken)
    {
        using DisposeScope scope = NewDisposeScope();
        NewPositions positions = new(starts, (int)tokens.shape[1]);
        Dictionary<string, Tensor> live = new()
        {
            [ModelGraph.Tokens] = tokens.alias(),
            [ModelGraph.Positions] = positions.Numbers(tokens.device),
        };
        Add(ModelGraph.Tokens);

        Dictionary<string, int> readers = new(_order.Readers);
        foreach ((ModelNode node, Definition definition) in _order.Steps)
        {
            cancellationToken.ThrowIfCancellationRequested();
            live[node.Name] = Compute(node.Name, definition, live, positions, writes.GetValueOrDefault(node.Name));
            Add(node.Name);
            foreach (NodeInput input in definition.Inputs)
                if (--readers[input.Node] == 0 && !_wanted.Contains(input.Node) && live.Remove(input.Node, out Tensor? dead))
                    dead.Dispose();
        }
        return (
            _wanted.ToDictionary(name => name, name => live[name].MoveToOuterDisposeScope()),
            Held().ToDictionary(pair => pair.Key, pair => pair.Value.MoveToOuterDisposeScope()));

        void Add(string node)
        {
            if (_histories.TryGetValue(node, out History? history) && !_positional.ContainsKey(node))
                history.Add(live[node], positions, positions.FirstSeen(_windows[node]));
        }
    }

    /// <summary>Lets each row go on from another one: several continue one prompt.</summary>
    /// <param name="rows">By row, which of the rows so far it goes on from.</param>
    public void Take(int[] rows)
    {
        Tensor from = tensor(rows.Select(row => (long)row).ToArray(), device: _device);
        foreach (History history in _histories.Values)
            history.Take(rows, from);
    }

    /// <summary>The nodes whose values are held.</summary>
    /// <param name="order">The nodes that are computed.</param>
    /// <param name="readBack">The nodes of which a step reads earlier tokens.</param>
    public static IEnumerable<string> HeldNodes(NodeOrder order, IEnumerable<string> readBack) =>
        order.Steps.SelectMany(step => step.Definition.Inputs).Where(IsHeld).Select(input => input.Node).Concat(readBack).Distinct();

    /// <summary>The values that are read back, at all positions so far, of nodes that were computed; the caller owns them.</summary>
    public Dictionary<string, Tensor> Held() =>
        _readBack.Where(name => !_histories[name].IsEmpty).ToDictionary(name => name, name => _histories[name].From(0));

    private Tensor Compute(string node, Definition definition, Dictionary<string, Tensor> live, NewPositions positions, NodeWrite? write)
    {
        using DisposeScope scope = NewDisposeScope();
        // A node without a pointwise input does not learn which positions are new: it computes all that it sees, and the new ones are
        // taken.
        bool computesAll = !positions.AreFirst && definition.Inputs.Length > 0 && definition.Inputs.All(IsHeld);
        int widest = computesAll ? definition.Inputs.Min(input => positions.FirstSeen(Window(input))) : 0;
        Tensor[] inputs =
        [
            .. definition.Inputs.Select(input => !IsHeld(input) || positions.AreFirst
                ? live[input.Node]
                : Seen(input.Node, computesAll ? widest : positions.FirstSeen(Window(input)), positions)),
        ];
        Tensor value = definition.Compute(inputs);
        if (computesAll)
            value = positions.Of(value, _axes.Of(node), widest);
        if (_axes.IsKnown(node) && value.shape[_axes.Of(node)] != positions.Count)
            throw new InterventionException(
                $"The model's node '{node}' gave {value.shape[_axes.Of(node)]} positions where {positions.Count} were asked for. "
                + $"A node that reads an input pointwise computes that input's positions, and tells them by '{ModelGraph.Positions}'; "
                + "set UseCache = false for one that cannot.");
        if (write is not null)
            value = write(value, live);
        if (!scope.Contains(value))
            value = value.alias();
        return value.MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The values of a node from a position on. Those that depend on positions alone are computed: they exist for slots without a token
    /// too.
    /// </summary>
    private Tensor Seen(string node, int first, NewPositions positions)
    {
        if (node == ModelGraph.Positions)
            return range(first, positions.End, _device).unsqueeze(0).expand(positions.Starts.Length, positions.End - first);
        return _positional.TryGetValue(node, out Definition? definition)
            ? definition.Compute([.. definition.Inputs.Select(input => Seen(input.Node, first, positions))])
            : _histories[node].From(first);
    }

    private int? Window(NodeInput input) => !_keepsAll && input.Reach is { Kind: ReachKind.Windowed, Width: int width } ? width : null;

    /// <summary>Finds the nodes that depend on positions alone.</summary>
    private void FindPositional(IReadOnlySet<string> written)
    {
        _positional[ModelGraph.Positions] = new Definition([], _ => throw new InvalidOperationException("Positions are given."));
        foreach ((ModelNode node, Definition definition) in _order.Steps)
            if (!written.Contains(node.Name) && definition.Inputs.Length > 0
                && definition.Inputs.All(input => !IsHeld(input) && _positional.ContainsKey(input.Node)))
                _positional[node.Name] = definition;
    }

    private static bool IsHeld(NodeInput input) => input.Reach.Kind != ReachKind.Pointwise;
}

/// <summary>The positions that a pass computes: equally many of every prompt.</summary>
/// <param name="Starts">Each prompt's first one.</param>
/// <param name="Count">How many.</param>
internal sealed record NewPositions(int[] Starts, int Count)
{
    /// <summary>Whether no positions came before.</summary>
    public bool AreFirst { get; } = Starts.All(start => start == 0);

    /// <summary>Whether they are the same ones in every prompt.</summary>
    public bool AreEqual { get; } = Starts.Distinct().Count() == 1;

    /// <summary>Where the last prompt ends.</summary>
    public int End { get; } = Starts.Max() + Count;

    /// <summary>The positions, <c>[batch, count]</c>.</summary>
    public Tensor Numbers(Device device) =>
        tensor(Starts.Select(start => (long)start).ToArray(), device: device).unsqueeze(1).plus(range(0, Count, device));

    /// <summary>The first position that a node sees which sees the last <paramref name="window"/> positions; without a window, 0.</summary>
    public int FirstSeen(int? window) => window is int width ? Math.Max(0, Starts.Min() - width + 1) : 0;

    /// <summary>
    /// Where they lie in values <c>[batch, width, …]</c> of positions from <paramref name="first"/> on, whose first two axes are one.
    /// </summary>
    public Tensor Places(int first, long width, Device device)
    {
        long[] places = [.. Starts.SelectMany((start, row) => Enumerable.Range(start - first, Count).Select(at => (row * width) + at))];
        return tensor(places, device: device);
    }

    /// <summary>Their part of a value.</summary>
    /// <param name="value">Values of positions from <paramref name="first"/> on.</param>
    /// <param name="axis">The axis of positions.</param>
    /// <param name="first">The first position.</param>
    public Tensor Of(Tensor value, int axis, int first)
    {
        if (AreEqual)
            return value.narrow(axis, Starts[0] - first, Count);
        Tensor byPosition = value.transpose(1, axis).contiguous();
        return byPosition.flatten(0, 1).index_select(0, Places(first, byPosition.shape[1], value.device))
            .split_axis(0, Starts.Length, Count).transpose(1, axis);
    }
}

/// <summary>
/// The values of one node at all positions so far, <c>[batch, pos, …]</c>: position p of every prompt lies in slot p. When the slots are
/// used up, twice as many are made, so that most additions copy only the new values; positions that no node sees any more are dropped then.
/// </summary>
internal sealed class History(DisposeScope owner)
{
    private Tensor? _slots;
    private int _first, _end;

    /// <summary>Whether no values were added yet.</summary>
    public bool IsEmpty => _slots is null;

    /// <summary>Adds the values of new positions.</summary>
    /// <param name="values">The values, <c>[batch, count, …]</c>.</param>
    /// <param name="positions">The positions.</param>
    /// <param name="firstSeen">The first position that is still seen.</param>
    public void Add(Tensor values, NewPositions positions, int firstSeen)
    {
        Reserve(values, positions.End, firstSeen);
        Tensor slots = _slots!;
        using DisposeScope scope = NewDisposeScope();
        if (positions.AreEqual)
            slots.narrow(1, positions.Starts[0] - _first, positions.Count).copy_(values);
        else
            slots.flatten(0, 1).index_copy_(0, positions.Places(_first, slots.shape[1], slots.device), values.flatten(0, 1));
        _end = Math.Max(_end, positions.End);
    }

    /// <summary>Lets each row go on from another one.</summary>
    /// <param name="rows">Which ones.</param>
    /// <param name="from">The same as a tensor.</param>
    public void Take(int[] rows, Tensor from)
    {
        if (_slots is not { } slots || (rows.Length == slots.shape[0] && rows.Index().All(row => row.Item == row.Index)))
            return;
        _slots = slots.index_select(0, from).moved_to(owner);
        slots.Dispose();
    }

    /// <summary>The values from a position on, a view: <c>[batch, …, …]</c>.</summary>
    public Tensor From(int position) => _slots!.narrow(1, position - _first, _end - position);

    private void Reserve(Tensor values, int end, int firstSeen)
    {
        if (_slots is not null && end - _first <= _slots.shape[1])
            return;
        using DisposeScope scope = NewDisposeScope();
        int first = _slots is null ? 0 : Math.Clamp(firstSeen, _first, _end), kept = _end - first;
        // The first pass may be followed by few: it gets little room. Zeros, since a read covers slots that a shorter prompt has not
        // reached; no position sees them.
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

/// <summary>By node, the axis that counts its own positions, as a schema says.</summary>
internal sealed class PositionAxes
{
    private readonly Dictionary<string, SiteDefinition> _sites = [];

    public PositionAxes(ModelSchema schema)
    {
        int layers = schema.SizeOf("layer") ?? 0;
        foreach (SiteDefinition site in schema.Sites)
            foreach (string name in site.Path.Contains(SiteMatcher.Layer, StringComparison.Ordinal)
                ? Enumerable.Range(0, layers).Select(layer => SiteExpansion.Concrete(site, layer))
                : [site.Path])
                _sites[name] = site;
    }

    /// <summary>The axis; nodes that the schema does not name have it after the batch.</summary>
    public int Of(string node) => Known(node) ?? 1;

    /// <summary>Whether the schema says which axis it is.</summary>
    public bool IsKnown(string node) => Known(node) is not null;

    /// <summary>Whether a node has a column for every position that is looked at.</summary>
    public bool HasKeys(string node) => _sites.TryGetValue(node, out SiteDefinition? site) && site.Axes.Contains("key");

    private int? Known(string node)
    {
        int axis = _sites.TryGetValue(node, out SiteDefinition? site) ? site.Axes.ToList().FindIndex(axis => axis is "pos" or "query") : -1;
        return axis < 0 ? null : axis;
    }
}
