using Interventions.ModelGraphs;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Execution;

/// <summary>Declarations at the edges of the language: donors of metrics, swept donors, ranges across the end, selections of nothing.</summary>
public sealed class SelectionEdgeTests : IDisposable
{
    private static readonly Read Value = new Read.Value();

    private readonly ToyModel _model = new();
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly List<RunOutput> _outputs = [];

    public void Dispose()
    {
        _outputs.ForEach(output => output.Dispose());
        _scope.Dispose();
        _model.Dispose();
    }

    [Fact]
    public void A_metric_may_read_a_site_of_another_run_and_sees_no_padding()
    {
        ToyPrompts prompts = ToyPrompts.Random(1, 6, 3, 4);
        InterventionGraph graph = new()
        {
            Name = "Donor",
            Metrics = [new MetricNode("Shift", [new Read.From("corrupted", "blocks.1.out"), new Read.Logit("correct", "end")], x => x[0].mean([1, 2]) + x[1])],
        };
        using RunOutput together = Run(graph, prompts);
        for (int row = 0; row < 3; row++)
        {
            using RunOutput alone = Run(graph, prompts.Only(row));
            Close(alone.Changed("Shift").Values, together.Changed("Shift").Values.narrow(0, row, 1));
        }
    }

    [Fact]
    public void A_swept_donor_is_read_at_every_point_in_unchanged_runs_too()
    {
        ToyPrompts prompts = ToyPrompts.Random(2, 4, 4);
        Read donor = new Read.From("corrupted", "blocks.{layer}.out[pos=end]");
        using RunOutput output = Run(
            new()
            {
                Name = "Donors",
                Writes = [Zero("blocks.{layer}.z[head=0]")],
                Captures = [new CaptureNode("Difference", "embed[pos=end]", [Value, donor], x => x[0] - x[1])],
                Metrics = [new MetricNode("Norm", [donor], x => x[0].square().sum([1, 2]))],
            },
            prompts);
        Assert.Equal([ToyModel.Layers, 2, 1, ToyModel.Width], output.Run("clean")["Difference"].shape);
        // The embedding lies before the write, and the donor is in an unchanged run: the sweep changes neither.
        Close(output.Run("clean")["Difference"], output.Changed("Difference").Values);
        Close(output.Run("clean")["Norm"], output.Changed("Norm").Values);
        Assert.True((output.Changed("Norm").At(0) - output.Changed("Norm").At(1)).abs().min().item<double>() > 1e-9);
    }

    [Fact]
    public void A_swept_capture_changed_from_its_own_place_in_the_base_run()
    {
        using RunOutput output = Run(
            new()
            {
                Name = "Nothing",
                Writes = [new WriteNode("Same", "blocks.{layer}.z", [Value], x => x[0])],
                Captures = [new CaptureNode("Residual", "blocks.{layer}.resid[pos=end]", [Value], x => x[0])],
            },
            ToyPrompts.Random(3, 4, 4));
        Assert.All(output.Changed("Residual").Points(), point => Assert.Equal(0, point.Change, 12));
    }

    [Fact]
    public void A_swept_range_up_to_the_end_is_one_point_a_position()
    {
        ToyPrompts prompts = ToyPrompts.Random(4, 4, 4);
        SweptTensor across = Metric("blocks.0.z[pos={p=1..-1}]", prompts), listed = Metric("blocks.0.z[pos={p=1..3}]", prompts);
        Assert.Equal([1, 2, 3], across.Axes[0].Coordinates.ToArray());
        Close(listed.Values, across.Values);
        Says("have 3 to 4 tokens", () => Metric("blocks.0.z[pos={p=1..-1}]", ToyPrompts.Random(4, 4, 3)));
        Says("nothing in prompts of 4 tokens", () => Metric("blocks.0.z[pos={p=3..-3}]", prompts));
        Assert.Equal([2], Metric("blocks.0.z[pos={p=2,2}]", prompts).Axes[0].Coordinates.ToArray());
    }

    [Fact]
    public void A_selection_of_nothing_is_refused()
    {
        ToyPrompts prompts = ToyPrompts.Random(5, 5, 2);
        Says("selects nothing of prompt 1", () => Run(new() { Name = "Empty", Writes = [Zero("embed[pos=1..-2]")] }, prompts));
        Says("selects position 3 of prompt 1", () => Run(new() { Name = "Empty", Writes = [Zero("embed[pos=3..-1]")] }, prompts));
        Says("selects position -4 of prompt 1", () => Run(new() { Name = "Empty", Writes = [Zero("embed[pos=-4]")] }, prompts));
    }

    [Theory]
    [InlineData("embed[pos=3]", null)]
    [InlineData("embed[pos={p=0..3}]", null)]
    [InlineData("embed[pos=end+1]", null)]
    [InlineData("embed", "embed[pos=3]")]
    public void A_position_outside_a_prompt_is_refused_before_the_pass(string site, string? donor)
    {
        List<RunProgress> passes = [];
        InterventionGraph graph = new() { Name = "Outside", Writes = [new WriteNode("Write", site, [new Read.From("corrupted", donor)], x => x[0])] };
        RunOptions options = new() { BatchSize = 1, Progress = new Synchronous(passes.Add) };
        InterventionException refused = Assert.Throws<InterventionException>(
            () => InterventionRunner.Run(graph, _model, ToyPrompts.Random(9, 5, 4, 3), options));
        Assert.Contains("of prompt", refused.Message);
        Assert.Empty(passes);
    }

    [Fact]
    public void A_method_that_returns_null_is_named()
    {
        ToyPrompts prompts = ToyPrompts.Random(6, 3);
        CaptureNode logits = new("Logits", "logits", [new Read.Value()], x => x[0]);
        Says("Null.Nothing returned null", () => Run(new() { Name = "Null", Writes = [new WriteNode("Nothing", "embed", [], _ => null!)], Captures = [logits] }, prompts));
        Says("Null.Nothing returned null", () => Run(new() { Name = "Null", Metrics = [new MetricNode("Nothing", [], _ => null!)] }, prompts));
    }

    [Fact]
    public void A_batch_has_at_least_one_prompt() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new RunOptions { BatchSize = 0 });

    [Fact]
    public void A_node_may_pass_a_weight_through_and_the_run_leaves_it_alive()
    {
        using Tensor weight = ones(3).DetachFromDisposeScope();
        ModelGraphBuilder builder = new();
        NodeInput passed = builder.Add("weight", builder.Tokens, _ => weight);
        ModelGraph graph = builder.Build(builder.Add("logits", passed, x => x * 2));
        for (int i = 0; i < 2; i++)
            GraphEvaluator.Evaluate(graph, zeros(1, 2, dtype: int64), ["logits"])["logits"].Dispose();
        Assert.False(weight.IsInvalid);
    }

    [Fact]
    public void Names_that_do_not_fit_hint_at_other_schemas()
    {
        InterventionGraph graph = new() { Name = "Old", Writes = [Zero("embed[pos=gone]")], PromptFingerprint = "0123456789abcdef" };
        Says("was compiled against another version of ToyPrompts", () => Run(graph, ToyPrompts.Random(7, 3)));
    }

    [Fact]
    public void One_graph_and_model_serve_many_threads()
    {
        ToyPrompts prompts = ToyPrompts.Random(8, 4, 3);
        InterventionGraph graph = new()
        {
            Name = "Threads",
            Writes = [Zero("blocks.{layer}.z[head={head}]")],
            Metrics = [new MetricNode("Correct", [new Read.Logit("correct", "end")], x => x[0])],
        };
        using RunOutput expected = Run(graph, prompts);
        double[] values = expected.Changed("Correct").Values.data<double>().ToArray();
        Parallel.For(0, 16, new ParallelOptions { MaxDegreeOfParallelism = 4 }, _ =>
        {
            using RunOutput output = Run(graph, prompts);
            Assert.Equal(values, output.Changed("Correct").Values.data<double>().ToArray());
        });
    }

    private sealed class Synchronous(Action<RunProgress> report) : IProgress<RunProgress>
    {
        public void Report(RunProgress value) => report(value);
    }

    private static WriteNode Zero(string site) => new("Zero", site, [], _ => zeros(1, dtype: float64));

    private SweptTensor Metric(string site, IPromptSet prompts)
    {
        _outputs.Add(Run(
            new()
            {
                Name = "Sweep",
                Writes = [Zero(site)],
                Metrics = [new MetricNode("Correct", [new Read.Logit("correct", "end")], x => x[0])],
            },
            prompts));
        return _outputs[^1].Changed("Correct");
    }

    private RunOutput Run(InterventionGraph graph, IPromptSet prompts) => InterventionRunner.Run(graph, _model, prompts);

    private static void Says(string text, Action run) => Assert.Contains(text, Assert.Throws<InterventionException>(run).Message);

    private static void Close(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        Assert.InRange((expected - actual).abs().max().item<double>(), 0, 1e-9);
    }
}
