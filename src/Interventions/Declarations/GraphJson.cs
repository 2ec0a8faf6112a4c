using System.Collections.Immutable;
using System.Text.Json;
using Interventions.Files;
using Interventions.Runtime;
using Interventions.Sites;
using static TorchSharp.torch;

namespace Interventions.Declarations;

/// <summary>
/// The JSON of a graph. Every method below names the fields of one node, for writing and for reading (<see cref="JsonFields"/>).
/// Methods, tensors, encoder–decoders and prompts stand in the text by name, see <see cref="GraphMembers"/>. Reads and kinds of writes
/// stand in it by the name of their type: a type that gets another name is another version of the format.
/// </summary>
internal sealed class GraphJson
{
    private const string Format = "interventions.graph";

    /// <summary>The number of the format. Version 1 (packages 0.1) called other fields "of", "to" and "run".</summary>
    private const int Version = 2;

    private readonly MemberNames? _names;
    private readonly GraphMembers _members;

    /// <param name="names">The names that members get while a graph is written.</param>
    /// <param name="members">The members that a graph is read with.</param>
    private GraphJson(MemberNames? names, GraphMembers members) => (_names, _members) = (names, members);

    /// <exception cref="InterventionException">A lambda has no name.</exception>
    public static string Write(InterventionGraph graph)
    {
        if (graph.Writes.SelectMany(write => write.Declared).FirstOrDefault(write => write.IsNameless) is { Site: var site })
        {
            throw new InterventionException(
                $"{graph.Name} cannot be saved, nor be run into a file: the lambda that patches '{site}' has no name by which it could be "
                + $"found again. Name it, Patch(\"{site}\", …, name: \"…\"), or pass a method.");
        }
        return JsonFields.Write(fields => new GraphJson(new MemberNames(graph), GraphMembers.None).Graph(fields, graph), isIndented: true);
    }

    /// <exception cref="InterventionException">It is no graph, of another version, or names a member that is not given.</exception>
    public static InterventionGraph Read(string json, GraphMembers members)
    {
        string graph = "The saved graph";
        GraphJson reader = new(null, members);
        try
        {
            return JsonFields.Read(json, fields => reader.Graph(fields, null, name => graph += $" '{name}'"), Refusal);
        }
        catch (JsonException wrong)
        {
            throw new InterventionException($"The saved graph is not JSON: {wrong.Message}", wrong);
        }

        Exception Refusal(string place, string problem) =>
            new InterventionException($"{graph}{(place.Length == 0 ? "" : ", " + place)}: {problem}.");
    }

    private InterventionGraph Graph(JsonFields fields, InterventionGraph? graph, Action<string>? named = null)
    {
        if (fields.OptionalText("format", Format) != Format)
            throw fields.Wrong($"it is no intervention: 'format' is not '{Format}'");
        int version = fields.Integer("version", Version);
        if (version != Version)
            throw fields.Wrong(OtherVersion(version));
        string name = fields.Text("name", graph?.Name);
        named?.Invoke(name);
        InterventionGraph read = new()
        {
            Name = name,
            ModelFingerprint = fields.OptionalText("model", graph?.ModelFingerprint),
            PromptFingerprint = fields.OptionalText("prompts", graph?.PromptFingerprint),
            Changes = fields.OptionalText("changes", graph?.Changes),
            Sweeps = fields.List("sweeps", graph?.Sweeps ?? [], Sweep),
            Runs = fields.List("runs", graph?.Runs ?? [], Run),
            Writes = fields.List("writes", graph?.Writes ?? [], Write),
            Splices = fields.List("splices", graph?.Splices ?? [], Splice),
            Captures = fields.List("captures", graph?.Captures ?? [], Capture),
            Gradients = fields.List("gradients", graph?.Gradients ?? [], Gradient),
            Metrics = fields.List("metrics", graph?.Metrics ?? [], Metric),
            Parameters = fields.List("parameters", graph?.Parameters ?? [], Parameter),
            Shapes = fields.List("shapes", graph?.Shapes ?? [], Shape),
        };
        SavedTensor[] tensors = [.. _names?.Tensors.OrderBy(tensor => tensor.Key, StringComparer.Ordinal).Select(SavedTensor.Of) ?? []];
        fields.List("tensors", [.. tensors], Saved);
        return read;
    }

    private static string OtherVersion(int version) => version < Version
        ? $"it was written in version {version} of the format, and this library reads version {Version}: make it again with ToJson"
        : $"its format has version {version}, and this version of Interventions reads version {Version}: update the package";

    private static DerivedRun Run(JsonFields fields, DerivedRun? run) =>
        new(fields.Text("name", run?.Name), fields.OptionalText("from", run?.From));

    private static SweepAxis Sweep(JsonFields fields, SweepAxis? sweep)
    {
        string name = fields.Text("name", sweep?.Name);
        ImmutableArray<string> runs = fields.OptionalTexts(
            "runs", sweep is { HasNumbers: false } ? [.. sweep.Coordinates.Select(run => run.ToString())] : default);
        ImmutableArray<double> numbers = sweep is { HasNumbers: true } ? [.. sweep.Coordinates.Select(number => number.Number)] : default;
        return
            runs.IsDefault ? SweepAxis.OfNumbers(name, [.. fields.Numbers("numbers", numbers)]) :
            sweep ?? Names(fields, name, [.. runs]);
    }

    /// <summary>A sweep of runs or positions, or the points of several placeholders.</summary>
    private static SweepAxis Names(JsonFields fields, string name, string[] texts)
    {
        IReadOnlyList<string> placeholders = ListedPoints.Placeholders(name);
        if (placeholders.Count == 1)
            return SweepAxis.OfRuns(name, texts);
        return texts.Select(text => ListedPoints.Problem(text, placeholders)).FirstOrDefault(problem => problem is not null) is { } problem
            ? throw fields.Wrong(problem)
            : SweepAxis.OfPoints(name, texts);
    }

    private WriteNode Write(JsonFields fields, WriteNode? write)
    {
        ImmutableArray<WriteNode> parts = fields.List("parts", write?.Parts ?? [], Write);
        if (!parts.IsEmpty)
            return write ?? Fused(fields, parts);
        string name = fields.Text("name", write?.Name), site = fields.Text("site", write?.Site);
        string? run = fields.OptionalText("in", write?.Run), kind = fields.OptionalText("kind", write?.Kind?.GetType().Name);
        WriteNode node;
        if (kind is not null)
            node = new WriteNode(name, site, Kind(fields, kind, name, write?.Kind), run);
        else
        {
            (ImmutableArray<Read> reads, MethodBody body) = Method(fields, name, write?.Reads ?? [], write?.Body);
            node = new WriteNode(name, site, reads, body, run);
        }
        return node with
        {
            Shape = fields.OptionalTexts("shape", write?.Shape ?? default),
            Pointwise = fields.Truth("pointwise", write?.Pointwise),
            AcrossBatch = fields.Truth("acrossBatch", write?.AcrossBatch),
            Uncompared = fields.Truth("uncompared", write?.Uncompared),
        };
    }

    private static WriteNode Fused(JsonFields fields, ImmutableArray<WriteNode> parts)
    {
        try
        {
            return WriteNode.Fuse([.. parts]);
        }
        catch (ArgumentException wrong)
        {
            throw fields.Wrong(wrong.Message);
        }
    }

    private WriteKind Kind(JsonFields fields, string name, string node, WriteKind? kind)
    {
        switch (name)
        {
            case nameof(WriteKind.Zero):
                return new WriteKind.Zero();
            case nameof(WriteKind.Scale):
                return new WriteKind.Scale(fields.Number("factor", (kind as WriteKind.Scale)?.Factor));
            case nameof(WriteKind.ScaleSwept):
                return new WriteKind.ScaleSwept(fields.Text("sweep", (kind as WriteKind.ScaleSwept)?.Sweep));
            case nameof(WriteKind.Freeze):
                return new WriteKind.Freeze(fields.OptionalText("from", (kind as WriteKind.Freeze)?.From));
            case nameof(WriteKind.Copy):
                return new WriteKind.Copy(fields.OptionalText("from", (kind as WriteKind.Copy)?.From));
            case nameof(WriteKind.Resample):
                WriteKind.Resample? resample = kind as WriteKind.Resample;
                return new WriteKind.Resample(fields.OptionalText("from", resample?.From), fields.Integer("seed", resample?.Seed));
            case nameof(WriteKind.Mean):
                WriteKind.Mean? mean = kind as WriteKind.Mean;
                return new WriteKind.Mean(
                    fields.OptionalText("from", mean?.From), fields.Truth("pooled", mean?.Pooled), Prompts(fields, mean?.Over),
                    fields.Truth("acrossTemplates", mean?.AcrossTemplates));
            case nameof(WriteKind.Mix):
                WriteKind.Mix? mix = kind as WriteKind.Mix;
                Tensor mask = Tensor(fields, node, mix?.Mask);
                string other = fields.OptionalText("ablation", mix?.Other is null or WriteKind.Copy ? null : mix.Other.GetType().Name)
                    ?? nameof(WriteKind.Copy);
                return new WriteKind.Mix(mask, Axes(fields, mix?.Axes), Kind(fields, other, node, mix?.Other));
            case nameof(WriteKind.Add):
                WriteKind.Add? add = kind as WriteKind.Add;
                return new WriteKind.Add(Tensor(fields, node, add?.Vector), fields.Number("strength", add?.Strength));
            case nameof(WriteKind.AddSwept):
                WriteKind.AddSwept? swept = kind as WriteKind.AddSwept;
                return new WriteKind.AddSwept(Tensor(fields, node, swept?.Vector), fields.Text("sweep", swept?.Sweep));
            case nameof(WriteKind.ProjectOut):
                return new WriteKind.ProjectOut(Tensor(fields, node, (kind as WriteKind.ProjectOut)?.Direction));
            case nameof(WriteKind.ProjectOnto):
                return new WriteKind.ProjectOnto(Tensor(fields, node, (kind as WriteKind.ProjectOnto)?.Direction));
            default:
                throw fields.Wrong($"a write of kind '{name}' is not known to this version of Interventions");
        }
    }

    private Read Read(JsonFields fields, string node, Read? read)
    {
        string name = fields.Text("read", read?.GetType().Name);
        switch (name)
        {
            case nameof(Runtime.Read.Value):
                return new Read.Value();
            case nameof(Runtime.Read.Gradient):
                return new Read.Gradient(fields.OptionalText("site", (read as Read.Gradient)?.Site));
            case nameof(Runtime.Read.From):
                Read.From? from = read as Read.From;
                return new Read.From(fields.OptionalText("run", from?.Run), fields.OptionalText("site", from?.Site));
            case nameof(Runtime.Read.Partner):
                Read.Partner? partner = read as Read.Partner;
                return new Read.Partner(fields.OptionalText("run", partner?.Run), fields.Integer("seed", partner?.Seed));
            case nameof(Runtime.Read.Mean):
                Read.Mean? mean = read as Read.Mean;
                return new Read.Mean(
                    fields.OptionalText("run", mean?.Run), fields.Truth("pooled", mean?.Pooled), Prompts(fields, mean?.Over),
                    fields.Truth("acrossTemplates", mean?.AcrossTemplates), fields.OptionalText("site", mean?.Site),
                    fields.Truth("atIndices", mean?.AtIndices),
                    fields.OptionalInteger("fewest", mean?.Fewest is 0 ? null : mean?.Fewest) ?? 0);
            case nameof(Runtime.Read.Along):
                Read.Along? along = read as Read.Along;
                return new Read.Along(Tensor(fields, node, along?.Tensor), Axes(fields, along?.Axes));
            case nameof(Runtime.Read.Of):
                return new Read.Of(fields.Text("site", (read as Read.Of)?.Site));
            case nameof(Runtime.Read.Logit):
                Read.Logit? logit = read as Read.Logit;
                string answer = fields.Text("answer", logit?.Answer);
                return new Read.Logit(answer, fields.Text("at", logit?.At), fields.OptionalText("in", logit?.In));
            case nameof(Runtime.Read.WordLogits):
                Read.WordLogits? words = read as Read.WordLogits;
                return new Read.WordLogits(
                    fields.Text("property", words?.Name), new(fields.Texts("words", words is null ? default : [.. words.Words])),
                    fields.Text("at", words?.At), fields.OptionalText("in", words?.In));
            case nameof(Runtime.Read.Logits):
                Read.Logits? logits = read as Read.Logits;
                return new Read.Logits(fields.Text("at", logits?.At), fields.OptionalText("in", logits?.In));
            case nameof(Runtime.Read.Swept):
                return new Read.Swept(fields.Text("sweep", (read as Read.Swept)?.Name));
            case nameof(Runtime.Read.Shared):
                SharedNode? shared = (read as Read.Shared)?.Node;
                string value = fields.Text("name", shared?.Name);
                ImmutableArray<Read> ofShared = shared is null ? [] : [.. shared.Reads];
                (ImmutableArray<Read> reads, MethodBody body) = Method(fields, value, ofShared, shared?.Body);
                return new Read.Shared(new SharedNode(value, new(reads), body));
            case nameof(Runtime.Read.AnswerIds):
                return new Read.AnswerIds(fields.Text("answer", (read as Read.AnswerIds)?.Answer));
            default:
                throw fields.Wrong($"a read of kind '{name}' is not known to this version of Interventions");
        }
    }

    private SpliceNode Splice(JsonFields fields, SpliceNode? node)
    {
        string name = fields.Text("name", node?.Name);
        return new SpliceNode(
            name, fields.Text("site", node?.Site), Splices(fields, name, node?.Splices ?? []), fields.OptionalText("reads", node?.Reads),
            fields.Truth("detachError", node?.DetachError), fields.OptionalInteger("features", node?.Features),
            fields.Integer("writesBefore", node?.WritesBefore));
    }

    private CaptureNode Capture(JsonFields fields, CaptureNode? node)
    {
        string name = fields.Text("name", node?.Name), site = fields.Text("site", node?.Site);
        (ImmutableArray<Read> reads, MethodBody body) = Method(fields, name, node?.Reads ?? [], node?.Body);
        return new CaptureNode(name, site, reads, body, fields.Truth("beforeWrites", node?.BeforeWrites))
        {
            AcrossBatch = fields.Truth("acrossBatch", node?.AcrossBatch),
        };
    }

    private GradientNode Gradient(JsonFields fields, GradientNode? node)
    {
        string name = fields.Text("name", node?.Name), site = fields.Text("site", node?.Site);
        (ImmutableArray<Read> reads, MethodBody body) = Method(fields, name, node?.Reads ?? [], node?.Body);
        return new GradientNode(name, site, reads, body, fields.OptionalText("metric", node?.Metric))
        {
            AcrossBatch = fields.Truth("acrossBatch", node?.AcrossBatch),
        };
    }

    private MetricNode Metric(JsonFields fields, MetricNode? node)
    {
        string name = fields.Text("name", node?.Name);
        (ImmutableArray<Read> reads, MethodBody body) = Method(fields, name, node?.Reads ?? [], node?.Body);
        return new MetricNode(name, reads, body) { AcrossBatch = fields.Truth("acrossBatch", node?.AcrossBatch) };
    }

    private ParameterNode Parameter(JsonFields fields, ParameterNode? node)
    {
        string name = fields.Text("name", node?.Name);
        return new ParameterNode(name, Tensor(fields, name, node?.Value), fields.OptionalText("metric", node?.Metric));
    }

    private ShapedTensor Shape(JsonFields fields, ShapedTensor? node)
    {
        string name = fields.Text("name", node?.Name);
        return new ShapedTensor(name, Tensor(fields, name, node?.Value), fields.Texts("axes", node?.Axes ?? default));
    }

    /// <summary>A method by its name, and the reads of its parameters.</summary>
    private (ImmutableArray<Read> Reads, MethodBody Body) Method(
        JsonFields fields, string node, ImmutableArray<Read> reads, MethodBody? body)
    {
        string name = fields.Text("method", body is null ? null : _names?.Name(node, reads, body));
        reads = fields.List<Read>("reads", reads, (one, read) => Read(one, node, read));
        if (body is not null)
            return (reads, body);
        GraphMethod method = Given(
            fields, _members.Methods, name, $"the method '{name}' was not given", "pass the Members of the declaration that has it");
        string now = GraphText.Describe(method.Reads), then = GraphText.Describe(reads);
        return method.Reads.Select(read => read.GetType()).SequenceEqual(reads.Select(read => read.GetType()))
            ? (reads, method.Body)
            : throw fields.Wrong($"the method '{name}' reads ({now}) today, and ({then}) when the graph was saved");
    }

    private Tensor Tensor(JsonFields fields, string node, Tensor? tensor)
    {
        string name = fields.Text("tensor", tensor is null ? null : _names?.Name(node, tensor));
        return tensor ?? GivenTensor(fields, name);
    }

    private Tensor GivenTensor(JsonFields fields, string name) =>
        Given(fields, _members.Tensors, name, $"the tensor '{name}' was not given", "load it, and pass it among the members");

    private IPromptSet? Prompts(JsonFields fields, IPromptSet? prompts) =>
        fields.OptionalText("over", prompts is null ? null : _names?.Name(prompts)) is not { } name ? null
        : prompts ?? Given(fields, _members.Prompts, name, $"the prompts '{name}' were not given", "pass them among the members");

    private ImmutableArray<ISplice> Splices(JsonFields fields, string node, ImmutableArray<ISplice> splices)
    {
        ImmutableArray<string> names = fields.Texts("splices", [.. splices.Select(splice => _names!.Name(node, splice))]);
        return splices.IsEmpty ? [.. names.Select(Splice)] : splices;

        ISplice Splice(string name) =>
            Given(fields, _members.Splices, name, $"the encoder–decoder '{name}' was not given", "pass it among the members");
    }

    private static EquatableArray<string> Axes(JsonFields fields, EquatableArray<string>? axes) =>
        new(fields.Texts("axes", axes is { } given ? [.. given] : default));

    private static T Given<T>(JsonFields fields, IReadOnlyDictionary<string, T> members, string name, string missing, string whatToDo)
    {
        if (members.TryGetValue(name, out T? member))
            return member;
        string given = members.Count == 0 ? "" : $" (given are {string.Join(", ", members.Keys.Order(StringComparer.Ordinal))})";
        throw fields.Wrong($"{missing}{given}: {whatToDo}");
    }

    /// <summary>The shape and type that a tensor had when the graph was saved: one that is given must have the same.</summary>
    private SavedTensor Saved(JsonFields fields, SavedTensor? saved)
    {
        SavedTensor tensor = new(
            fields.Text("name", saved?.Name), fields.Text("type", saved?.Type), fields.Longs("shape", saved?.Shape ?? default));
        if (!fields.IsReading)
            return tensor;
        SavedTensor given = SavedTensor.Of(new(tensor.Name, GivenTensor(fields, tensor.Name)));
        return given.ToString() == tensor.ToString()
            ? tensor
            : throw fields.Wrong($"the tensor '{tensor.Name}' is {given}, and was {tensor} when the graph was saved");
    }

    private sealed record SavedTensor(string Name, string Type, ImmutableArray<long> Shape)
    {
        public static SavedTensor Of(KeyValuePair<string, Tensor> tensor) =>
            new(tensor.Key, tensor.Value.dtype.ToString(), [.. tensor.Value.shape]);

        public override string ToString() => $"{Type} [{string.Join(", ", Shape)}]";
    }
}
