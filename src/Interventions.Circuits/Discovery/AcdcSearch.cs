using System.Collections.Immutable;

namespace Interventions.Circuits;

/// <summary>A search on its way: which edges are there, and which were visited.</summary>
internal sealed class AcdcSearch
{
    private readonly AcdcOptions _options;
    private readonly WorkOrigin? _origin;
    private readonly CircuitGraph _graph;
    private readonly (Edge Edge, int Place)[] _visits;
    private readonly bool[] _present;
    private readonly Dictionary<Component, int> _outgoing;
    private readonly List<AcdcStep> _steps = [];
    private double? _initial;

    /// <summary>A new search.</summary>
    public AcdcSearch(CircuitGraph graph, double threshold, AcdcOptions options, WorkOrigin? origin = null)
    {
        (_graph, _options, _origin, Threshold) = (graph, options, origin, threshold);
        _visits = [.. Visits(graph, options.Order)];
        _present = [.. Enumerable.Repeat(true, graph.EdgeCount)];
        _outgoing = graph.Edges.CountBy(edge => edge.Source).ToDictionary();
    }

    public double Threshold { get; }

    public int EdgeCount => _visits.Length;

    public bool IsComplete => _steps.Count == EdgeCount;

    /// <summary>What was found so far.</summary>
    public AcdcResult Result => new(_graph, Threshold, _options.Order, _initial ?? 0, [.. _steps])
    {
        Absolute = _options.Absolute,
        IsCleaned = _options.Circuit.Ablation == Ablation.OtherRun,
    };

    /// <summary>A new search, or the one that a file has.</summary>
    /// <exception cref="InterventionException">The file is no search, or was begun with something else.</exception>
    public static AcdcSearch Begin(Measurement measurement, InterventionGraph metric, double threshold, AcdcOptions options)
    {
        WorkOrigin? origin = options.Path is null ? null : WorkOrigin.Of(
            measurement, metric, FormattableString.Invariant(
                $"ACDC with threshold {threshold:R}, {options.Order}{(options.Absolute ? ", absolute" : "")}")
                + (options.HigherIsBetter ? ", higher is better" : ""));
        AcdcSearch search = new(measurement.Sites.Graph, threshold, options, origin);
        if (File.Exists(options.Path))
        {
            (AcdcResult begun, WorkOrigin? by) = AcdcResult.Read(File.ReadAllText(options.Path), options.Path);
            origin!.Check(by, options.Path);
            search._initial = begun.InitialMetric;
            foreach (AcdcStep step in begun.Steps)
                search.Take(step);
        }
        return search;
    }

    /// <summary>All edges in the order of the search: of a port the later sources first.</summary>
    public static IEnumerable<(Edge Edge, int Place)> Visits(CircuitGraph graph, AcdcOrder order)
    {
        foreach (Port port in Ports(graph, order))
            for (int source = graph.Upstream(port) - 1; source >= 0; source--)
                yield return (new Edge(graph.Sources[source], port), graph.FirstInto(port) + source);
    }

    /// <summary>Goes on to the end.</summary>
    /// <param name="mean">The metric's mean of a circuit.</param>
    /// <param name="visited">Called with the number of visited edges after each of them.</param>
    /// <param name="cancellationToken">Looked at between edges.</param>
    public void Run(Func<Circuit, double> mean, Action<int> visited, CancellationToken cancellationToken)
    {
        if (IsComplete)
            return;
        _initial ??= Measure(null);
        while (!IsComplete)
        {
            cancellationToken.ThrowIfCancellationRequested();
            (Edge edge, int place) = _visits[_steps.Count];
            double metric = _steps.Count > 0 ? _steps[^1].Metric : _initial.Value;
            Take(Visit(edge, place, metric));
            if (IsComplete || _steps.Count % _options.SaveEvery == 0)
                Save();
            visited(_steps.Count);
        }

        AcdcStep Visit(Edge edge, int place, double metric)
        {
            Component reader = edge.Target.Component;
            if (reader != Component.Logits && _outgoing[reader] == 0)
                return new AcdcStep(edge, null, IsRemoved: true, metric);
            _present[place] = false;
            double candidate = Measure(edge), change = candidate - metric;
            bool isRemoved = (_options.Absolute ? Math.Abs(change) : change) < Threshold;
            return new AcdcStep(edge, candidate, isRemoved, isRemoved ? candidate : metric);
        }

        double Measure(Edge? without)
        {
            double value = mean(new Circuit(_graph, [.. _present])), metric = _options.HigherIsBetter ? -value : value;
            return double.IsFinite(metric)
                ? metric
                : throw new InterventionException(
                    $"The metric is {value} {(without is null ? "of the model" : $"without '{without}'")}, which no threshold is compared "
                    + "with.");
        }
    }

    private void Take(AcdcStep step)
    {
        _present[_visits[_steps.Count].Place] = !step.IsRemoved;
        if (step.IsRemoved)
            _outgoing[step.Edge.Source]--;
        _steps.Add(step);
    }

    private void Save()
    {
        if (_options.Path is not null)
            Result.Write(_options.Path, _origin);
    }

    private static IEnumerable<Port> Ports(CircuitGraph graph, AcdcOrder order)
    {
        yield return new Port(Component.Logits);
        for (int layer = graph.Layers - 1; layer >= 0; layer--)
        {
            if (graph.HasMlps)
                yield return new Port(Component.OfMlp(layer));
            IEnumerable<Port> heads = graph.Ports.Where(port =>
                port.Component.Kind == ComponentKind.Head && port.Component.Layer == layer).Reverse();
            foreach (Port port in order == AcdcOrder.HeadsFirst ? heads : heads.OrderByDescending(port => port.Input))
                yield return port;
        }
    }
}
