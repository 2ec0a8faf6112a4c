using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Declarations;

/// <summary>Writes a graph as JSON, without reflection. Methods and tensors are named, see <see cref="GraphMembers"/>.</summary>
internal sealed class GraphWriter
{
    private static readonly JsonWriterOptions s_options = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly MemberNames _names;
    private readonly Utf8JsonWriter _json;

    private GraphWriter(MemberNames names, Utf8JsonWriter json)
    {
        _names = names;
        _json = json;
    }

    public static string Write(InterventionGraph graph)
    {
        ArrayBufferWriter<byte> text = new();
        using (Utf8JsonWriter json = new(text, s_options))
            new GraphWriter(new MemberNames(graph), json).Graph(graph);
        return Encoding.UTF8.GetString(text.WrittenSpan);
    }

    private void Graph(InterventionGraph graph)
    {
        _json.WriteStartObject();
        _json.WriteString("format", SavedGraph.Format);
        _json.WriteNumber("version", SavedGraph.Version);
        _json.WriteString("name", graph.Name);
        Text("model", graph.ModelFingerprint);
        Text("prompts", graph.PromptFingerprint);
        Text("changes", graph.Changes);
        Array("sweeps", graph.Sweeps, Sweep);
        Array("runs", graph.Runs, run =>
        {
            _json.WriteString("name", run.Name);
            Text("of", run.Of);
        });
        Array("writes", graph.Writes, Write);
        Array("splices", graph.Splices, splice =>
        {
            Site(splice.Name, splice.Site);
            _json.WriteStartArray("splices");
            foreach (ISplice one in splice.Splices)
                _json.WriteStringValue(_names.Name(splice.Name, one));
            _json.WriteEndArray();
            Text("reads", splice.Reads);
            Truth("detachError", splice.DetachError);
            if (splice.Features is int features)
                _json.WriteNumber("features", features);
            _json.WriteNumber("writesBefore", splice.WritesBefore);
        });
        Array("captures", graph.Captures, capture =>
        {
            Site(capture.Name, capture.Site);
            Method(capture.Name, capture.Reads, capture.Body);
            Truth("beforeWrites", capture.BeforeWrites);
            Truth("acrossBatch", capture.AcrossBatch);
        });
        Array("gradients", graph.Gradients, gradient =>
        {
            Site(gradient.Name, gradient.Site);
            Method(gradient.Name, gradient.Reads, gradient.Body);
            Text("metric", gradient.Metric);
            Truth("acrossBatch", gradient.AcrossBatch);
        });
        Array("metrics", graph.Metrics, metric =>
        {
            _json.WriteString("name", metric.Name);
            Method(metric.Name, metric.Reads, metric.Body);
            Truth("acrossBatch", metric.AcrossBatch);
        });
        Array("parameters", graph.Parameters, parameter =>
        {
            _json.WriteString("name", parameter.Name);
            _json.WriteString("tensor", _names.Name(parameter.Name, parameter.Value));
            Text("metric", parameter.Metric);
        });
        Array("shapes", graph.Shapes, shaped =>
        {
            _json.WriteString("name", shaped.Name);
            _json.WriteString("tensor", _names.Name(shaped.Name, shaped.Value));
            Texts("axes", shaped.Axes);
        });
        Array("tensors", _names.Tensors.OrderBy(tensor => tensor.Key, StringComparer.Ordinal), tensor =>
        {
            _json.WriteString("name", tensor.Key);
            _json.WriteString("type", tensor.Value.dtype.ToString());
            _json.WriteStartArray("shape");
            foreach (long size in tensor.Value.shape)
                _json.WriteNumberValue(size);
            _json.WriteEndArray();
        });
        _json.WriteEndObject();
    }

    private void Sweep(SweepAxis sweep)
    {
        _json.WriteString("name", sweep.Name);
        _json.WriteStartArray(sweep.HasNumbers ? "numbers" : "runs");
        foreach (SweepCoordinate coordinate in sweep.Coordinates)
            if (sweep.HasNumbers)
                Number(coordinate.Number);
            else
                _json.WriteStringValue(coordinate.ToString());
        _json.WriteEndArray();
    }

    private void Write(WriteNode write)
    {
        if (!write.Parts.IsEmpty)
        {
            Array("parts", write.Parts, Write);
            return;
        }
        Site(write.Name, write.Site);
        Text("in", write.Run);
        if (write.Kind is null)
            Method(write.Name, write.Reads, write.Body);
        else
            Kind(write.Name, write.Kind);
        if (!write.Shape.IsDefault)
            Texts("shape", write.Shape);
        Truth("pointwise", write.Pointwise);
        Truth("acrossBatch", write.AcrossBatch);
    }

    private void Texts(string name, IEnumerable<string> texts)
    {
        _json.WriteStartArray(name);
        foreach (string text in texts)
            _json.WriteStringValue(text);
        _json.WriteEndArray();
    }

    private void Kind(string name, WriteKind kind)
    {
        _json.WriteString("kind", SavedKinds.NameOf(kind));
        foreach ((string argument, object? value) in SavedKinds.Arguments(kind))
            Argument(name, argument, value);
    }

    /// <summary>An argument of a kind or a read of the named node; a null one is left out.</summary>
    private void Argument(string node, string argument, object? value)
    {
        switch (value)
        {
            case null:
                break;
            case string text:
                _json.WriteString(argument, text);
                break;
            case bool truth:
                _json.WriteBoolean(argument, truth);
                break;
            case int number:
                _json.WriteNumber(argument, number);
                break;
            case double number:
                _json.WritePropertyName(argument);
                Number(number);
                break;
            case EquatableArray<string> texts:
                Texts(argument, texts);
                break;
            case Tensor tensor:
                _json.WriteString(argument, _names.Name(node, tensor));
                break;
            case IPromptSet prompts:
                _json.WriteString(argument, _names.Name(prompts));
                break;
            default:
                throw new InvalidOperationException($"'{argument}' of {node} cannot be saved: {value.GetType()} is not known to JSON.");
        }
    }

    private void Site(string name, string site)
    {
        _json.WriteString("name", name);
        _json.WriteString("site", site);
    }

    private void Method(string name, ImmutableArray<Read> reads, MethodBody body)
    {
        _json.WriteString("method", _names.Name(name, reads, body));
        Array("reads", reads, read =>
        {
            _json.WriteString("read", SavedReads.NameOf(read));
            foreach ((string argument, object? value) in SavedReads.Arguments(read))
                Argument(name, argument, value);
        });
    }

    /// <summary>Numbers that JSON lacks are texts.</summary>
    private void Number(double number)
    {
        if (double.IsFinite(number))
            _json.WriteNumberValue(number);
        else
            _json.WriteStringValue(number.ToString(CultureInfo.InvariantCulture));
    }

    private void Array<T>(string name, IEnumerable<T> items, Action<T> write)
    {
        if (!items.Any())
            return;
        _json.WriteStartArray(name);
        foreach (T item in items)
        {
            _json.WriteStartObject();
            write(item);
            _json.WriteEndObject();
        }
        _json.WriteEndArray();
    }

    /// <summary>What is missing is false.</summary>
    private void Truth(string name, bool truth)
    {
        if (truth)
            _json.WriteBoolean(name, true);
    }

    private void Text(string name, string? text)
    {
        if (text is not null)
            _json.WriteString(name, text);
    }
}
