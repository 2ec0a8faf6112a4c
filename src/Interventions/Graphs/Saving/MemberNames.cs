using System.Collections.Immutable;
using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Graphs;

/// <summary>Gives every method, tensor and encoder–decoder of a graph a name: its node's, and a number after it where two share one (overloads, layers).</summary>
internal sealed class MemberNames
{
    private readonly Dictionary<string, GraphMethod> _methods = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Tensor> _tensors = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ISplice> _splices = new(StringComparer.Ordinal);

    public MemberNames(InterventionGraph graph)
    {
        foreach (WriteNode write in graph.Writes.SelectMany(write => write.Declared))
        {
            if (write.Kind is null)
                Name(write.Name, write.Reads, write.Body);
            else
                foreach (Tensor tensor in write.Kind.Tensors)
                    Name(write.Name, tensor);
        }
        foreach (SpliceNode node in graph.Splices)
            foreach (ISplice splice in node.Splices)
                Name(node.Name, splice);
        foreach (CaptureNode capture in graph.Captures)
            Name(capture.Name, capture.Reads, capture.Body);
        foreach (GradientNode gradient in graph.Gradients)
            Name(gradient.Name, gradient.Reads, gradient.Body);
        foreach (MetricNode metric in graph.Metrics)
            Name(metric.Name, metric.Reads, metric.Body);
        foreach (ParameterNode parameter in graph.Parameters)
            Name(parameter.Name, parameter.Value);
        foreach (ShapedTensor shaped in graph.Shapes)
            Name(shaped.Name, shaped.Value);
    }

    public IReadOnlyDictionary<string, GraphMethod> Methods => _methods;

    public IReadOnlyDictionary<string, Tensor> Tensors => _tensors;

    public IReadOnlyDictionary<string, ISplice> Splices => _splices;

    /// <summary>The name of a method; it gets one if it has none.</summary>
    public string Name(string wanted, ImmutableArray<Read> reads, MethodBody body) =>
        Name(_methods, wanted, method => method.Body == body && method.Reads.SequenceEqual(reads), () => new GraphMethod(reads, body));

    /// <summary>The name of a tensor; it gets one if it has none.</summary>
    public string Name(string wanted, Tensor tensor) => Name(_tensors, wanted, known => ReferenceEquals(known, tensor), () => tensor);

    /// <summary>The name of an encoder–decoder; it gets one if it has none.</summary>
    public string Name(string wanted, ISplice splice) => Name(_splices, wanted, known => ReferenceEquals(known, splice), () => splice);

    private static string Name<T>(Dictionary<string, T> known, string wanted, Func<T, bool> isIt, Func<T> create)
    {
        string name = wanted;
        for (int i = 2; known.TryGetValue(name, out T? value); name = string.Create(CultureInfo.InvariantCulture, $"{wanted}#{i++}"))
            if (isIt(value))
                return name;
        known[name] = create();
        return name;
    }
}
