using System.Collections.Immutable;
using System.Text.Json;
using Interventions.Runtime;
using static TorchSharp.torch;

namespace Interventions.Declarations;

/// <summary>Reads the JSON of a graph.</summary>
internal static class SavedGraph
{
    /// <summary>What the file says it is.</summary>
    public const string Format = "interventions.graph";

    /// <summary>The version of the format; a higher one may say what this one cannot.</summary>
    public const int Version = 1;

    /// <exception cref="InterventionException">It is no graph, of a newer version, or names what is not given.</exception>
    public static InterventionGraph Read(string json, GraphMembers members)
    {
        using JsonDocument document = Parse(json);
        SavedObject saved = new(document.RootElement, "The saved graph", members);
        if (saved.OptionalText("format") != Format)
            throw saved.Wrong($"it is no intervention: 'format' is not '{Format}'");
        int version = saved.Integer("version");
        if (version is < 1 or > Version)
            throw saved.Wrong($"its format has version {version}, and this version of Interventions reads up to {Version}: update the package");
        saved = new SavedObject(document.RootElement, $"The saved graph '{saved.Text("name")}'", members);
        // Known already.
        _ = (saved.OptionalText("format"), saved.Integer("version"));
        saved.List("tensors", Check);
        InterventionGraph graph = new()
        {
            Name = saved.Text("name"),
            ModelFingerprint = saved.OptionalText("model"),
            PromptFingerprint = saved.OptionalText("prompts"),
            Changes = saved.OptionalText("changes"),
            Sweeps = saved.List("sweeps", sweep => sweep.Has("runs")
                ? SweepAxis.OfRuns(sweep.Text("name"), [.. sweep.Texts("runs")])
                : SweepAxis.OfNumbers(sweep.Text("name"), [.. sweep.Numbers("numbers")])),
            Runs = saved.List("runs", run => new DerivedRun(run.Text("name"), run.OptionalText("of"))),
            Writes = saved.List("writes", Write),
            Splices = saved.List("splices", splice => new SpliceNode(
                splice.Text("name"), splice.Text("site"), splice.Splices("splices"), splice.OptionalText("reads"), splice.Truth("detachError"),
                splice.Has("features") ? splice.Integer("features") : null, splice.Integer("writesBefore"))),
            Captures = saved.List("captures", capture =>
            {
                ImmutableArray<Read> reads = Reads(capture);
                return new CaptureNode(capture.Text("name"), capture.Text("site"), reads, capture.Method("method", reads), capture.Truth("beforeWrites"))
                {
                    AcrossBatch = capture.Truth("acrossBatch"),
                };
            }),
            Gradients = saved.List("gradients", gradient =>
            {
                ImmutableArray<Read> reads = Reads(gradient);
                return new GradientNode(gradient.Text("name"), gradient.Text("site"), reads, gradient.Method("method", reads), gradient.OptionalText("metric"))
                {
                    AcrossBatch = gradient.Truth("acrossBatch"),
                };
            }),
            Metrics = saved.List("metrics", metric =>
            {
                ImmutableArray<Read> reads = Reads(metric);
                return new MetricNode(metric.Text("name"), reads, metric.Method("method", reads)) { AcrossBatch = metric.Truth("acrossBatch") };
            }),
            Parameters = saved.List("parameters", parameter =>
                new ParameterNode(parameter.Text("name"), parameter.Tensor("tensor"), parameter.OptionalText("metric"))),
            Shapes = saved.List("shapes", shaped => new ShapedTensor(shaped.Text("name"), shaped.Tensor("tensor"), shaped.Texts("axes"))),
        };
        saved.Close();
        return graph;
    }

    private static JsonDocument Parse(string json)
    {
        try
        {
            return JsonDocument.Parse(json);
        }
        catch (JsonException wrong)
        {
            throw new InterventionException($"The saved graph is not JSON: {wrong.Message}", wrong);
        }
    }

    private static WriteNode Write(SavedObject saved)
    {
        if (saved.Has("parts"))
        {
            ImmutableArray<WriteNode> parts = saved.List("parts", Write);
            try
            {
                return WriteNode.Fuse([.. parts]);
            }
            catch (ArgumentException wrong)
            {
                throw saved.Wrong(wrong.Message);
            }
        }
        string name = saved.Text("name"), site = saved.Text("site");
        string? run = saved.OptionalText("in");
        if (saved.OptionalText("kind") is { } kind)
            return new WriteNode(name, site, SavedKinds.Parse(kind, saved), run) { Shape = Shape(saved) };
        ImmutableArray<Read> reads = Reads(saved);
        return new WriteNode(name, site, reads, saved.Method("method", reads), run)
        {
            Shape = Shape(saved),
            Pointwise = saved.Truth("pointwise"),
            AcrossBatch = saved.Truth("acrossBatch"),
        };
    }

    private static ImmutableArray<string> Shape(SavedObject saved) => saved.Has("shape") ? saved.Texts("shape") : default;

    private static ImmutableArray<Read> Reads(SavedObject saved) => saved.List("reads", SavedReads.Parse);

    /// <summary>A tensor that was saved is given again, and looks the same.</summary>
    private static bool Check(SavedObject saved)
    {
        Tensor given = saved.Tensor("name");
        ImmutableArray<long> shape = saved.Sizes("shape");
        string type = saved.Text("type");
        return given.shape.AsSpan().SequenceEqual(shape.AsSpan()) && given.dtype.ToString() == type
            ? true
            : throw saved.Wrong(
                $"the tensor '{saved.Text("name")}' is {given.dtype} [{string.Join(", ", given.shape)}], and was {type} [{string.Join(", ", shape)}] when the graph was saved");
    }
}
