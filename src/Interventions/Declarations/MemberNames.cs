using System.Collections.Immutable;
using System.Globalization;
using Interventions.Runtime;
using static TorchSharp.torch;

namespace Interventions.Declarations;

/// <summary>
/// Names for the methods, tensors, encoder–decoders and prompt sets of a graph: the name of the node or of the type, and a number after it
/// where two would share one (overloads, layers).
/// </summary>
internal sealed class MemberNames
{
    private readonly Dictionary<string, GraphMethod> _methods = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Tensor> _tensors = new(StringComparer.Ordinal);
    private readonly Dictionary<string, IPromptSet> _prompts = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ISplice> _splices = new(StringComparer.Ordinal);

    public MemberNames(InterventionGraph graph)
    {
        foreach (WriteNode write in graph.Writes.SelectMany(write => write.Declared))
        {
            if (write.Kind is null)
                Name(write.Name, write.Reads, write.Body);
            NameReads(write.Name, write.Reads);
            foreach (Tensor tensor in write.Kind?.Tensors ?? [])
                Name(write.Name, tensor);
        }
        foreach (SpliceNode node in graph.Splices)
            foreach (ISplice splice in node.Splices)
                Name(node.Name, splice);
        foreach (CaptureNode capture in graph.Captures)
            NameMethod(capture.Name, capture.Reads, capture.Body);
        foreach (GradientNode gradient in graph.Gradients)
            NameMethod(gradient.Name, gradient.Reads, gradient.Body);
        foreach (MetricNode metric in graph.Metrics)
            NameMethod(metric.Name, metric.Reads, metric.Body);
        foreach (ParameterNode parameter in graph.Parameters)
            Name(parameter.Name, parameter.Value);
        foreach (ShapedTensor shaped in graph.Shapes)
            Name(shaped.Name, shaped.Value);
    }

    public IReadOnlyDictionary<string, GraphMethod> Methods => _methods;

    public IReadOnlyDictionary<string, Tensor> Tensors => _tensors;

    public IReadOnlyDictionary<string, ISplice> Splices => _splices;

    public IReadOnlyDictionary<string, IPromptSet> Prompts => _prompts;

    /// <summary>The name of a method; it gets one if it has none.</summary>
    public string Name(string wanted, ImmutableArray<Read> reads, MethodBody body) =>
        Name(_methods, wanted, method => method.Body == body && method.Reads.SequenceEqual(reads), () => new GraphMethod(reads, body));

    /// <summary>The name of a tensor; it gets one if it has none.</summary>
    public string Name(string wanted, Tensor tensor) => Name(_tensors, wanted, known => ReferenceEquals(known, tensor), () => tensor);

    /// <summary>The name of an encoder–decoder; it gets one if it has none.</summary>
    public string Name(string wanted, ISplice splice) => Name(_splices, wanted, known => ReferenceEquals(known, splice), () => splice);

    /// <summary>The name of a prompt set; it gets one if it has none.</summary>
    public string Name(IPromptSet prompts) =>
        Name(_prompts, prompts.Vocabulary.PromptSet, known => ReferenceEquals(known, prompts), () => prompts);

    private void NameMethod(string name, ImmutableArray<Read> reads, MethodBody body)
    {
        Name(name, reads, body);
        NameReads(name, reads);
    }

    private void NameReads(string name, ImmutableArray<Read> reads)
    {
        foreach (Read read in reads)
        {
            if (read is Read.Along along)
                Name(name, along.Tensor);
            else if (read is Read.Shared { Node: var shared })
                NameMethod(shared.Name, [.. shared.Reads], shared.Body);
            else if (read is Read.Mean { Over: { } over })
                Name(over);
        }
    }

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
