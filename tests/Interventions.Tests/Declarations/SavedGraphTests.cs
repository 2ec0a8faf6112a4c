using System.Collections.Immutable;
using FsCheck;
using FsCheck.Fluent;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Declarations;

/// <summary>Graphs to JSON and back.</summary>
public sealed class SavedGraphTests
{
    private static readonly Read s_value = new Read.Value(), s_corrupted = new Read.From("corrupted");

    [Fact]
    public void Every_graph_comes_back_as_it_was() => Prop.ForAll(RandomGraphs.Graph.ToArbitrary(), graph =>
    {
        string json = graph.ToJson();
        InterventionGraph again = InterventionGraph.FromJson(json, GraphMembers.Of(graph));
        Assert.Equal(json, again.ToJson());
        Assert.Equal(graph.ToText(), again.ToText());
        Assert.Equal(graph.ToMermaid(), again.ToMermaid());
        Assert.Equal((graph.Name, graph.Changes, graph.ModelFingerprint, graph.PromptFingerprint), (
            again.Name, again.Changes, again.ModelFingerprint, again.PromptFingerprint));
        Assert.Equal(graph.Runs.AsEnumerable(), again.Runs.AsEnumerable());
        Assert.Equal(graph.Splices.SelectMany(node => node.Splices), again.Splices.SelectMany(node => node.Splices));
        Assert.Equal(graph.Parameters.AsEnumerable(), again.Parameters.AsEnumerable());
        Assert.Equal(
            graph.Shapes.SelectMany(shaped => shaped.Axes.Cast<object>().Append((shaped.Name, shaped.Value))),
            again.Shapes.SelectMany(shaped => shaped.Axes.Cast<object>().Append((shaped.Name, shaped.Value))));
        Assert.Equal(graph.Writes.SelectMany(Content), again.Writes.SelectMany(Content));
        Assert.Equal(
            graph.Captures.SelectMany(
                node => node.Reads.Cast<object>().Append((node.Name, node.Site, node.Body, node.BeforeWrites, node.AcrossBatch))),
            again.Captures.SelectMany(
                node => node.Reads.Cast<object>().Append((node.Name, node.Site, node.Body, node.BeforeWrites, node.AcrossBatch))));
        Assert.Equal(
            graph.Gradients.SelectMany(
                node => node.Reads.Cast<object>().Append((node.Name, node.Site, node.Body, node.Metric, node.AcrossBatch))),
            again.Gradients.SelectMany(
                node => node.Reads.Cast<object>().Append((node.Name, node.Site, node.Body, node.Metric, node.AcrossBatch))));
        Assert.Equal(
            graph.Metrics.SelectMany(node => node.Reads.Cast<object>().Append((node.Name, node.Body, node.AcrossBatch))),
            again.Metrics.SelectMany(node => node.Reads.Cast<object>().Append((node.Name, node.Body, node.AcrossBatch))));

        static IEnumerable<object?> Content(WriteNode write) => write.Parts.IsEmpty
            ? [
                .. write.Reads, write.Name, write.Site, write.Run, write.Kind, write.Kind is null ? write.Body : null, write.Pointwise,
                write.AcrossBatch, .. write.Shape.IsDefault ? ["none"] : write.Shape]
            : [write.Parts.Length, .. write.Parts.SelectMany(Content)];
    }).QuickCheckThrowOnFailure();

    /// <summary>A new property of a node is lost when it is saved, unless writer and reader know it: they, then this list.</summary>
    [Theory]
    [InlineData(
        typeof(InterventionGraph),
        "Captures Changes Gradients Metrics ModelFingerprint Name Parameters PromptFingerprint Runs Shapes Splices Sweeps Writes")]
    [InlineData(typeof(SpliceNode), "DetachError Features Name Reads Site Splices WritesBefore")]
    [InlineData(typeof(SweepAxis), "Coordinates Name Placeholders")]
    [InlineData(typeof(DerivedRun), "From Name")]
    [InlineData(typeof(WriteNode), "AcrossBatch Body Declared Kind Name Parts Pointwise Reads Run Shape Site Uncompared")]
    [InlineData(typeof(SharedNode), "Body Name Reads")]
    [InlineData(typeof(CaptureNode), "AcrossBatch BeforeWrites Body Name Reads Site")]
    [InlineData(typeof(GradientNode), "AcrossBatch Body Metric Name Reads Site")]
    [InlineData(typeof(MetricNode), "AcrossBatch Body Name Reads")]
    [InlineData(typeof(ParameterNode), "Metric Name Value")]
    [InlineData(typeof(ShapedTensor), "Axes Name Value")]
    public void Every_property_is_saved(Type node, string properties) =>
        Assert.Equal(properties, string.Join(' ', node.GetProperties().Select(property => property.Name).Order(StringComparer.Ordinal)));

    [Fact]
    public void A_saved_graph_runs_again_with_tensors_that_were_loaded()
    {
        using DisposeScope scope = NewDisposeScope();
        using ToyModel model = new();
        ToyPrompts prompts = ToyPrompts.Random(5, 4, 3, 5);
        InterventionGraph Declared(Tensor direction) => new()
        {
            Name = "Study",
            ModelFingerprint = model.Schema.Fingerprint,
            Runs = [new("direct")],
            Writes =
            [
                BuiltInWrites.Freeze("blocks.*.z", null, "direct"),
                new("Sender", "blocks.0.z[head={head}; pos=end]", new WriteKind.Copy("corrupted"), "direct"),
                new("Receiver", "blocks.1.resid[pos=end]", new WriteKind.Copy("direct")),
                WriteNode.Fuse(
                    BuiltInWrites.Add("Direction", "embed[pos=end]", direction, 2),
                    new("Mix", "embed[pos=end]", [s_value, s_corrupted], x => (x[0] + x[1]) / 2)),
                new("Heads", "blocks.{layer}.z[head={head}]", [s_corrupted], x => x[0]),
            ],
            Captures = [new("Logits", "logits", [s_value], x => x[0])],
        };
        Tensor direction = randn(ToyModel.Width, dtype: float64);
        InterventionGraph graph = Declared(direction);
        string json = graph.ToJson();

        // In another process: the same class, and the tensor from a file.
        GraphMembers members = GraphMembers.Of(Declared(zeros(1, dtype: float64))) with
        {
            Tensors = new Dictionary<string, Tensor> { ["Direction"] = direction.clone() },
        };
        using RunResult before = InterventionRunner.Run(graph, model, prompts);
        using RunResult after = InterventionRunner.Run(InterventionGraph.FromJson(json, members), model, prompts);
        Assert.Equal(before.Changed("Logits").Sweep.Select(axis => axis.Name), after.Changed("Logits").Sweep.Select(axis => axis.Name));
        Assert.Equal(0, (before.Changed("Logits").Values - after.Changed("Logits").Values).abs().max().item<double>());
        Assert.True((before.Changed("Logits").Values - before.Run("clean")["Logits"]).abs().max().item<double>() > 1e-3);
    }

    [Fact]
    public void A_saved_graph_on_another_model_is_refused_before_the_pass()
    {
        using ToyModel model = new();
        InterventionGraph graph = new() { Name = "Old", ModelFingerprint = "another", Writes = [BuiltInWrites.Zero("blocks.0.gone")] };
        InterventionException refused = Assert.Throws<InterventionException>(() =>
            InterventionRunner.Run(InterventionGraph.FromJson(graph.ToJson()), model, ToyPrompts.Random(1, 3)));
        Assert.Contains("Old was compiled against another version of ToyModel", refused.Message, StringComparison.Ordinal);
        Assert.Contains("gone", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Members_of_included_graphs_are_called_by_the_property()
    {
        Tensor one = ones(1, dtype: float64), two = ones(1, dtype: float64) * 2;
        InterventionGraph Steer(Tensor vector) => new()
        {
            Name = "Steer",
            Writes = [BuiltInWrites.Zero("embed"), BuiltInWrites.Add("Vector", "embed", vector, 1), new(
                "Double", "embed", [s_value], x => x[0] * 2)],
            Parameters = [new("Vector", vector)],
        };
        InterventionGraph both = new InterventionGraph { Name = "Both" }.Including(Steer(two), "Second").Including(Steer(one), "First");

        GraphMembers members = GraphMembers.Of(both);
        Assert.Equal(["First.Double", "Second.Double"], members.Methods.Keys);
        Assert.Same(one, members.Tensors["First.Vector"]);
        Assert.Same(two, members.Tensors["Second.Vector"]);
        Assert.Equal(["First.Vector", "Second.Vector"], both.Parameters.Select(parameter => parameter.Name));
        Assert.Equal("Zero", both.Writes[0].Name);
    }

    [Fact]
    public void Overloads_keep_apart()
    {
        InterventionGraph graph = new()
        {
            Name = "Overloads",
            Writes = [new("P", "embed", [s_value], x => x[0] + 1), new("P", "logits", [s_value], x => x[0] + 2)],
        };
        Assert.Equal(["P", "P#2"], GraphMembers.Of(graph).Methods.Keys);
        InterventionGraph again = InterventionGraph.FromJson(graph.ToJson(), GraphMembers.Of(graph));
        Assert.Equal(graph.Writes.Select(write => write.Body), again.Writes.Select(write => write.Body));
    }

    [Theory]
    [InlineData("[1]", "it is not an object")]
    [InlineData("{", "The saved graph is not JSON")]
    [InlineData("{}", "it is no intervention")]
    [InlineData("{HEAD}", "'name' is missing")]
    [InlineData("""{HEAD, "name": "A", "version": 2}""", null)]
    [InlineData(
        """{"format": "interventions.graph", "version": 1, "name": "A", "runs": [{"name": "r", "of": "clean"}]}""",
        "it was written in version 1 of the format, and this library reads version 2: make it again with ToJson")]
    [InlineData(
        """{"format": "interventions.graph", "version": 3, "name": "A"}""",
        "its format has version 3, and this version of Interventions reads version 2: update the package")]
    [InlineData("""{HEAD, "name": "A", "phase": 1}""", "The saved graph 'A': 'phase' is not known")]
    [InlineData("""{HEAD, "name": "A", "writes": {}}""", "'writes' is not a list")]
    [InlineData(
        """{HEAD, "name": "A", "writes": [{"name": "Zero", "kind": "Zero"}]}""", "The saved graph 'A', writes[0]: 'site' is missing")]
    [InlineData(
        """{HEAD, "name": "A", "writes": [{"name": "Zero", "site": "embed", "kind": "Zap"}]}""", "a write of kind 'Zap' is not known")]
    [InlineData(
        """{HEAD, "name": "A", "writes": [{"name": "Zero", "site": "embed", "kind": "Zero", "strength": 2}]}""", "'strength' is not known")]
    [InlineData(
        """{HEAD, "name": "A", "writes": [{"name": "Scale", "site": "embed", "kind": "Scale", "factor": "much"}]}""",
        "'factor' is not a number")]
    [InlineData(
        """{HEAD, "name": "A", "writes": [{"name": "S", "site": "embed", "kind": "Resample", "seed": 0.5}]}""",
        "'seed' is not a whole number")]
    [InlineData(
        """{HEAD, "name": "A", "writes": [{"name": "S", "site": "embed", "kind": "Mean", "pooled": "yes"}]}""",
        "'pooled' is not true or false")]
    [
        InlineData("""{HEAD, "name": "A", "writes": [{"name": "Add", "site": "embed", "kind": "Add", "tensor": "V", "strength": """
            + """1}]}""", "writes[0]: the tensor 'V' was not given (given are Vector): load it"),
    ]
    [InlineData(
        """{HEAD, "name": "A", "writes": [{"name": "Q", "site": "embed", "method": "Q"}]}""",
        "the method 'Q' was not given (given are P): pass the Members of the declaration that has it")]
    [InlineData("""{HEAD, "name": "A", "writes": [{"name": "P", "site": "embed", "method": "P", "reads": """
        + """[{"read": "From", "run": "clean"}]}]}""", "the method 'P' reads (value) today, and (clean) when the graph was saved")]
    [InlineData(
        """{HEAD, "name": "A", "writes": [{"name": "P", "site": "embed", "method": "P", "reads": [{"read": "Feel"}]}]}""",
        "writes[0], reads[0]: a read of kind 'Feel' is not known")]
    [InlineData(
        """{HEAD, "name": "A", "writes": [{"parts": [{"name": "Zero", "site": "embed", "kind": "Zero"}]}]}""", "it takes two of them")]
    [InlineData("""{HEAD, "name": "A", "parameters": [{"name": "V", "tensor": "V"}]}""", "parameters[0]: the tensor 'V' was not given")]
    [InlineData(
        """{HEAD, "name": "A", "tensors": [{"name": "Vector", "type": "Float32", "shape": [2, 3]}]}""",
        "the tensor 'Vector' is Float64 [3], and was Float32 [2, 3] when the graph was saved")]
    [InlineData(
        """{HEAD, "name": "A", "tensors": [{"name": "Vector", "type": "Float64", "shape": ["3"]}]}""",
        "'shape' has an item that is not a whole number")]
    [InlineData("""{HEAD, "name": 3}""", "'name' is not a text")]
    public void What_is_wrong_is_said_with_its_place(string json, string? message)
    {
        GraphMembers members = new(
            new Dictionary<string, GraphMethod> { ["P"] = new([s_value], x => x[0]) }, new Dictionary<string,
            Tensor>
            { ["Vector"] = ones(3, dtype: float64) });
        string text = json.Replace(
            "HEAD", "\"format\": \"interventions.graph\"" + (json.Contains("version", StringComparison.Ordinal) ? "" : ", \"version\": 2"),
            StringComparison.Ordinal);
        if (message is null)
            Assert.Equal("A", InterventionGraph.FromJson(text, members).Name);
        else
            Assert.Contains(
                message, Assert.Throws<InterventionException>(() => InterventionGraph.FromJson(text, members)).Message,
                StringComparison.Ordinal);
    }
}
