using Interventions.ModelGraphs;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Generation;

/// <summary>
/// Runs a <see cref="ModelGraph"/> some positions at a time. Of every node only the new positions are computed; a value that some node reads with another reach than
/// <see cref="Reach.Pointwise"/> is held, written values as they were written. Nothing here knows about attention.
/// </summary>
internal sealed class IncrementalEvaluator
{
    private readonly ModelSites _sites;
    private readonly ModelGraph _graph;
    private readonly HashSet<string> _wanted, _readBack;
    private readonly bool _keepsAll;
    private readonly NodeOrder _schedule;
    private readonly Dictionary<string, History> _histories = [];
    private readonly Dictionary<string, int?> _windows = [];
    private readonly Dictionary<string, Definition> _positional = [];

    /// <param name="model">The model.</param>
    /// <param name="wanted">The values that <see cref="Next"/> returns.</param>
    /// <param name="touched">The sites that are written at any pass: which detours are taken does not change between passes.</param>
    /// <param name="readBack">The values of which all positions are held, for methods.</param>
    /// <param name="owner">Owns what is held.</param>
    public IncrementalEvaluator(HookedModel model, IEnumerable<string> wanted, IReadOnlySet<string> touched, IEnumerable<string> readBack, DisposeScope owner)
    {
        _sites = new ModelSites(model.Schema);
        _graph = model.Graph;
        _readBack = [.. readBack];
        _wanted = [.. wanted, .. _readBack];
        _schedule = NodeOrder.Of(_graph, _wanted, touched);
        // Where keys are selected one by one, all of them must be there.
        _keepsAll = touched.Concat(_wanted).Any(_sites.HasKeys);
        foreach (NodeInput input in _schedule.Steps.SelectMany(step => step.Definition.Inputs).Where(IsHeld))
            Hold(input.Node, Window(input));
        foreach (string node in _readBack)
            Hold(node, null);
        FindPositional(touched);

        void Hold(string node, int? window)
        {
            bool isNew = _histories.TryAdd(node, new History(owner));
            _windows[node] = window is null || (!isNew && _windows[node] is null) ? null : Math.Max(isNew ? 0 : _windows[node]!.Value, window.Value);
        }
    }

    /// <summary>Why a generation with these values cannot compute new positions alone; null if it can.</summary>
    public static string? Refusal(HookedModel model, IEnumerable<string> wanted, IReadOnlySet<string> touched, IEnumerable<string> readBack)
    {
        ModelSites sites = new(model.Schema);
        foreach ((ModelNode node, Definition definition) in NodeOrder.Of(model.Graph, wanted.ToHashSet(), touched).Steps)
            foreach (NodeInput input in definition.Inputs)
                if (input.Reach.Kind == ReachKind.Full)
                    return $"'{node.Name}' looks at all positions of '{input.Node}', so that every new token changes earlier values";
        foreach (string node in readBack)
            if (sites.RowAxis(node) != 1)
                return $"earlier rows of '{node}' are read, which has as many columns as there are tokens so far";
        return null;
    }

    /// <summary>Computes the next positions of every prompt.</summary>
    /// <param name="tokens">Their tokens, <c>[batch, count]</c>.</param>
    /// <param name="starts">Each prompt's first new position: 0 at the first call. Positions follow each other without gaps.</param>
    /// <param name="writes">By touched node, what replaces the new positions' value.</param>
    /// <param name="cancellationToken">Looked at between nodes.</param>
    /// <returns>The wanted values at the new positions, and the values at all positions that are read back; the caller owns them.</returns>
    public (Dictionary<string, Tensor> New, Dictionary<string, Tensor> Held) Next(
        Tensor tokens, int[] starts, IReadOnlyDictionary<string, NodeWrite> writes, CancellationToken cancellationToken)
    {
        using DisposeScope scope = NewDisposeScope();
        int count = (int)tokens.shape[1];
        NewRows rows = new(starts, count);
        Tensor positions = tensor(starts.Select(start => (long)start).ToArray(), device: tokens.device).unsqueeze(1).plus(range(0, count, tokens.device));
        Dictionary<string, Tensor> live = new() { [ModelGraph.Tokens] = tokens.alias(), [ModelGraph.Positions] = positions };
        Add(ModelGraph.Tokens);

        Dictionary<string, int> readers = new(_schedule.Readers);
        foreach ((ModelNode node, Definition definition) in _schedule.Steps)
        {
            cancellationToken.ThrowIfCancellationRequested();
            live[node.Name] = Compute(node.Name, definition, live, rows, writes.GetValueOrDefault(node.Name), tokens.device);
            Add(node.Name);
            foreach (NodeInput input in definition.Inputs)
                if (--readers[input.Node] == 0 && !_wanted.Contains(input.Node) && live.Remove(input.Node, out Tensor? dead))
                    dead.Dispose();
        }
        return (_wanted.ToDictionary(name => name, name => live[name].MoveToOuterDisposeScope()), Held().ToDictionary(pair => pair.Key, pair => pair.Value.MoveToOuterDisposeScope()));

        void Add(string node)
        {
            if (_histories.TryGetValue(node, out History? history) && !_positional.ContainsKey(node))
                history.Add(live[node], starts, rows.FirstSeen(_windows[node]));
        }
    }

    /// <summary>The values at all positions so far that are read back, of nodes that were computed; the caller owns them.</summary>
    public Dictionary<string, Tensor> Held() => _readBack.Where(name => !_histories[name].IsEmpty).ToDictionary(name => name, name => _histories[name].From(0));

    private Tensor Compute(string node, Definition definition, Dictionary<string, Tensor> live, NewRows rows, NodeWrite? write, Device device)
    {
        using DisposeScope scope = NewDisposeScope();
        // Whatever has no pointwise input cannot know which positions are asked for: it computes all that it sees, and the new ones are taken.
        bool computesAll = !rows.AreFirst && definition.Inputs.Length > 0 && definition.Inputs.All(IsHeld);
        int widest = computesAll ? definition.Inputs.Min(input => rows.FirstSeen(Window(input))) : 0;
        Tensor[] inputs = [.. definition.Inputs.Select(input =>
            !IsHeld(input) || rows.AreFirst ? live[input.Node] : Seen(input.Node, computesAll ? widest : rows.FirstSeen(Window(input)), rows.End, rows.Starts.Length, device))];
        Tensor value = definition.Compute(inputs);
        if (computesAll)
            value = rows.Of(value, _sites.RowAxis(node), widest);
        if (_sites.HasRows(node) && value.shape[_sites.RowAxis(node)] != rows.Count)
            throw new InterventionException(
                $"The model's node '{node}' gave {value.shape[_sites.RowAxis(node)]} positions where {rows.Count} were asked for. A node that reads an input pointwise computes that input's positions, and tells them by '{ModelGraph.Positions}'; set UseCache = false for one that cannot.");
        if (write is not null)
            value = write(value, live);
        if (!scope.Contains(value))
            value = value.alias();
        return value.MoveToOuterDisposeScope();
    }

    /// <summary>What is held of a node from a position on. What depends on positions alone is computed: every slot has its own, reached or not.</summary>
    private Tensor Seen(string node, int first, int end, int batch, Device device)
    {
        if (node == ModelGraph.Positions)
            return range(first, end, device).unsqueeze(0).expand(batch, end - first);
        return _positional.TryGetValue(node, out Definition? definition)
            ? definition.Compute([.. definition.Inputs.Select(input => Seen(input.Node, first, end, batch, device))])
            : _histories[node].From(first);
    }

    private int? Window(NodeInput input) => !_keepsAll && input.Reach is { Kind: ReachKind.Windowed, Width: int width } ? width : null;

    private void FindPositional(IReadOnlySet<string> touched)
    {
        _positional[ModelGraph.Positions] = new Definition([], _ => throw new InvalidOperationException("Positions are given."));
        foreach ((ModelNode node, Definition definition) in _schedule.Steps)
            if (!touched.Contains(node.Name) && definition.Inputs.Length > 0 && definition.Inputs.All(input => !IsHeld(input) && _positional.ContainsKey(input.Node)))
                _positional[node.Name] = definition;
    }

    private static bool IsHeld(NodeInput input) => input.Reach.Kind != ReachKind.Pointwise;
}
