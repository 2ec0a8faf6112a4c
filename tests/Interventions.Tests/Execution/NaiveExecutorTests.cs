using FsCheck;
using FsCheck.Fluent;
using Interventions.ModelGraphs;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Execution;

public sealed class NaiveExecutorTests : IDisposable
{
    private static readonly Read Value = new Read.Value();
    private static readonly Read Corrupted = new Read.From("corrupted");
    private static readonly MetricNode LogitDifference = new(
        "LogitDifference", [new Read.Logit("correct", "end"), new Read.Logit("wrong", "end")], x => x[0] - x[1]);

    private readonly ToyModel _model = new();
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        _model.Dispose();
    }

    [Fact]
    public void An_empty_intervention_is_the_model()
    {
        // Bit for bit at equal shapes: the toy's sums over positions are computed prompt by prompt, both runs of it in one product.
        foreach (ToyPrompts prompt in ToyPrompts.Random(1, 5, 5, 5).Prompts.Select(prompt => new ToyPrompts(prompt)))
        {
            using RunOutput output = Run(new() { Name = "Empty", Captures = [Capture("Logits", "logits")] }, prompt);
            Tensor both = stack(prompt.Prompts[0].Runs.Select(run => tensor(run.Ids.ToArray())));
            Tensor logits = GraphEvaluator.Evaluate(_model.Graph, both, ["logits"])["logits"];
            Identical(logits.narrow(0, 0, 1), output.Changed("Logits").Values);
            Identical(logits.narrow(0, 1, 1), output.Run("corrupted")["Logits"]);
        }
    }

    [Fact]
    public void Patching_every_source_gives_the_corrupted_run()
    {
        ToyPrompts prompts = ToyPrompts.Random(2, 6, 6);
        using RunOutput output = Run(
            new() { Name = "All", Writes = [Patch("embed"), Patch("blocks.*.z")], Captures = [Capture("Logits", "logits")] }, prompts);
        Close(Forward(prompts, run: 1), output.Changed("Logits").Values);
    }

    [Fact]
    public void A_sweep_is_one_hand_written_run_a_point()
    {
        ToyPrompts prompts = ToyPrompts.Random(3, 4, 4);
        using RunOutput output = Run(
            new() { Name = "Sweep", Writes = [Patch("blocks.{layer}.z[head={head}; pos=mid]")], Metrics = [LogitDifference] }, prompts);
        SweptTensor swept = output.Changed("LogitDifference");
        Assert.Equal([ToyModel.Layers, ToyModel.Heads, 2], swept.Values.shape);
        for (int layer = 0; layer < ToyModel.Layers; layer++)
        {
            for (int head = 0; head < ToyModel.Heads; head++)
            {
                string site = $"blocks.{layer}.z";
                Tensor donor = Values(prompts, run: 1, site)[site];
                Tensor logits = Values(prompts, 0, "logits", (site, z =>
                {
                    Tensor patched = z.clone();
                    for (int row = 0; row < 2; row++)
                        patched[row, Mid(prompts, row, 0), head] = donor[row, Mid(prompts, row, 1), head];
                    return patched;
                }
                ))["logits"];
                Close(Difference(prompts, logits), swept.At(layer, head));
            }
        }
    }

    /// <summary>Random selections against loops over single entries.</summary>
    [Fact]
    public void Any_selection_is_what_loops_over_its_entries_give()
    {
        Gen<string> head = Gen.Elements("", "head=1", "head=0,2", "head=1..2", "head=-1", "head=2,0");
        Gen<string> pos = Gen.Elements("", "pos=mid", "pos=end", "pos=end-1", "pos=-2", "pos=0..1", "pos=mid,end", "pos=1", "pos=1..-2", "pos=0,-1");
        Gen<int> seed = Gen.Choose(0, 10_000);
        var cases = Gen.Zip(Gen.Zip(head, pos), Gen.Zip(seed, Gen.Elements(0, 1)));
        Prop.ForAll(cases.ToArbitrary(), one =>
        {
            using DisposeScope scope = NewDisposeScope();
            ((string heads, string positions), (int s, int layer)) = one;
            string selectors = string.Join("; ", new[] { heads, positions }.Where(text => text.Length > 0));
            string site = $"blocks.{layer}.z" + (selectors.Length > 0 ? $"[{selectors}]" : "");
            ToyPrompts prompts = ToyPrompts.Random(s, 5, 3, 4, 3);
            using RunOutput output = Run(
                new() { Name = "Any", Writes = [new WriteNode("Double", site, [Value], x => x[0] * 2)], Captures = [Capture("Z", $"blocks.{layer}.z")] }, prompts);
            for (int row = 0; row < 4; row++)
            {
                int length = prompts.Prompts[row].Runs[0].Ids.Count;
                Tensor expected = Values(prompts.Only(row), 0, $"blocks.{layer}.z").Values.Single()[0].clone();
                foreach (int at in Positions(positions, length, Mid(prompts, row, 0)))
                    foreach (int h in HeadIndices(heads))
                        expected[at, h] = expected[at, h] * 2;
                Close(expected, output.Changed("Z").Values[row].narrow(0, 0, length));
                Assert.Equal(0, output.Changed("Z").Values[row].narrow(0, length, 5 - length).abs().sum().item<double>());
            }
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Prompts_of_mixed_lengths_give_what_each_gives_alone()
    {
        ToyPrompts prompts = ToyPrompts.Random(4, 7, 3, 5, 3, 6);
        // The mean over positions would see padding if there were any.
        InterventionGraph graph = new()
        {
            Name = "Mixed",
            Writes = [new WriteNode("MeanOverPositions", "blocks.0.z", [Value, Corrupted], x => x[0].mean([1], true) + x[1]), Patch("blocks.1.out[pos=end]")],
            Captures = [Capture("Residual", "blocks.*.resid"), new CaptureNode("Pooled", "blocks.1.z", [Value], x => x[0].mean([1]))],
            Metrics = [LogitDifference],
        };
        using RunOutput together = Run(graph, prompts);
        using RunOutput chunked = Run(graph, prompts, new RunOptions { BatchSize = 2 });
        Assert.Equal([2, 5, 7, ToyModel.Width], together.Changed("Residual").Values.shape);
        for (int row = 0; row < 5; row++)
        {
            using RunOutput alone = Run(graph, prompts.Only(row));
            int length = prompts.Prompts[row].Runs[0].Ids.Count;
            Close(alone.Changed("LogitDifference").Values, together.Changed("LogitDifference").Values.narrow(0, row, 1));
            Close(alone.Changed("Pooled").Values, together.Changed("Pooled").Values.narrow(0, row, 1));
            Close(alone.Changed("Residual").Values, together.Changed("Residual").Values.narrow(1, row, 1).narrow(2, 0, length));
        }
        foreach (string name in new[] { "Residual", "Pooled", "LogitDifference" })
        {
            Close(together.Changed(name).Values, chunked.Changed(name).Values);
            Close(together.Run("corrupted")[name], chunked.Run("corrupted")[name]);
        }
    }

    [Fact]
    public void Writes_to_one_site_apply_in_textual_order()
    {
        ToyPrompts prompts = ToyPrompts.Random(5, 4);
        using RunOutput output = Run(
            new()
            {
                Name = "Order",
                Writes = [new WriteNode("Add", "embed", [Value], x => x[0] + 1), new WriteNode("Double", "embed", [Value], x => x[0] * 2)],
                Captures = [Capture("Embed", "embed")],
            },
            prompts);
        Close((Values(prompts, 0, "embed")["embed"] + 1) * 2, output.Changed("Embed").Values);
    }

    [Fact]
    public void A_donor_may_be_another_site()
    {
        ToyPrompts prompts = ToyPrompts.Random(6, 4, 4);
        using RunOutput output = Run(
            new()
            {
                Name = "Across",
                Writes = [new WriteNode("Earlier", "blocks.1.z[pos=end]", [new Read.From("clean", "blocks.0.z[pos=0]")], x => x[0])],
                Captures = [Capture("Z", "blocks.1.z[pos=end]")],
            },
            prompts);
        Close(Values(prompts, 0, "blocks.0.z")["blocks.0.z"].narrow(1, 0, 1), output.Changed("Z").Values);
    }

    [Fact]
    public void A_site_beside_the_ordinary_path_can_be_written()
    {
        ToyPrompts prompts = ToyPrompts.Random(7, 4);
        using RunOutput same = Run(
            new() { Name = "Same", Writes = [new WriteNode("Same", "blocks.0.result[head=1]", [Value], x => x[0])], Captures = [Capture("Logits", "logits")] }, prompts);
        Close(Forward(prompts, 0), same.Changed("Logits").Values);
        using RunOutput zeroed = Run(
            new() { Name = "Zero", Writes = [new WriteNode("Zero", "blocks.0.result[head=1]", [], _ => zeros(1, dtype: float64))], Captures = [Capture("Logits", "logits")] }, prompts);
        using RunOutput byZ = Run(
            new() { Name = "Zero", Writes = [new WriteNode("Zero", "blocks.0.z[head=1]", [], _ => zeros(1, dtype: float64))], Captures = [Capture("Logits", "logits")] }, prompts);
        Close(byZ.Changed("Logits").Values, zeroed.Changed("Logits").Values);
    }

    [Fact]
    public void The_result_outlives_scopes_and_reports_the_sweep()
    {
        ToyPrompts prompts = ToyPrompts.Random(8, 4, 4);
        RunOutput output;
        using (NewDisposeScope())
            output = Run(new() { Name = "Sweep", Writes = [Patch("blocks.{layer=1}.z[head={head=0,2}]")], Metrics = [LogitDifference] }, prompts);
        SweptTensor swept = output.Changed("LogitDifference");
        Assert.Equal(["layer", "head"], swept.Axes.Select(axis => axis.Name));
        Assert.Equal([1, 2, 2], swept.Values.shape);
        Assert.Contains("head 1", Assert.Throws<ArgumentOutOfRangeException>(() => swept.At(1, 1)).Message);
        SweptPoint top = swept.Top(1).Single();
        Assert.Equal(swept.Points().Max(point => Math.Abs(point.Change)), Math.Abs(top.Change));
        Assert.Equal(swept.At(1, top["head"]).mean().item<double>(), top.Value, 12);
        output.Dispose();
        Assert.True(swept.Values.IsInvalid);
    }

    [Fact]
    public void Sweep_axes_are_in_the_order_of_the_text()
    {
        using RunOutput output = Run(
            new() { Name = "Order", Writes = [Patch("blocks.{layer}.z[head={head}; pos={pos}]")], Metrics = [LogitDifference] }, ToyPrompts.Random(14, 4));
        Assert.Equal(["layer", "head", "pos"], output.Changed("LogitDifference").Axes.Select(axis => axis.Name));
        Assert.Equal([ToyModel.Layers, ToyModel.Heads, 4, 1], output.Changed("LogitDifference").Values.shape);
    }

    [Fact]
    public void A_placeholder_ranges_over_what_all_its_uses_have()
    {
        using RunOutput output = Run(
            new() { Name = "Sweep", Writes = [Patch("blocks.0.z[head={head}]")], Captures = [Capture("Z", "blocks.0.z[head={head=1..2}]")], Metrics = [LogitDifference] },
            ToyPrompts.Random(13, 4));
        Assert.Equal([1, 2], output.Changed("LogitDifference").Axes[0].Coordinates.ToArray());
        Assert.Equal([2, 1, 4, 1, ToyModel.HeadSize], output.Changed("Z").Values.shape);
        Assert.Equal([2, 1, 4, 1, ToyModel.HeadSize], output.Run("clean")["Z"].shape);
    }

    [Theory]
    [InlineData("blocks.9.z", "layer 9 of 'blocks.9.z' is out of range: ToyModel has 2 layers (0 to 1)")]
    [InlineData("blocks.0.zz", "did you mean 'blocks.0.z'")]
    [InlineData("blocks.0.z[pos=ennd]", "did you mean 'end'")]
    public void A_wrong_name_is_refused_before_the_pass(string site, string message)
    {
        InterventionException refused = Assert.Throws<InterventionException>(
            () => Run(new() { Name = "Wrong", Writes = [Patch(site)] }, ToyPrompts.Random(9, 4)));
        Assert.Contains("Wrong.Patch", refused.Message);
        Assert.Contains(message, refused.Message);
    }

    [Fact]
    public void Wrong_shapes_and_prompts_are_refused_clearly()
    {
        ToyPrompts prompts = ToyPrompts.Random(10, 4, 3);
        Says("[batch=2, pos=1, head=1, d_head=4]", () => Run(
            new() { Name = "Shape", Writes = [new WriteNode("Bad", "blocks.0.z[head=1; pos=end]", [], _ => zeros(3, dtype: float64))], Captures = [Capture("Logits", "logits")] }, prompts));
        Says("one number a prompt, [batch=2]", () => Run(new() { Name = "Metric", Metrics = [new MetricNode("Bad", [], _ => zeros(1))] }, prompts));
        Says("position 3 of prompt 1", () => Run(new() { Name = "Position", Writes = [Patch("embed[pos=3]")], Captures = [Capture("Logits", "logits")] }, prompts));
        Says("reads at most 32", () => Run(new() { Name = "Long" }, ToyPrompts.Random(1, 33)));
        Says("knows tokens 0 to 10", () => Run(new() { Name = "Token" }, new ToyPrompts(new PromptTokens([new([99], [0, 0]), new([1], [0, 0])], [0, 0]))));
        Says("differ in length", () => Run(new() { Name = "Unequal" }, new ToyPrompts(new PromptTokens([new([1, 2], [0, 1]), new([1], [0, 0])], [0, 0]))));
        Says("not swept", () => Run(new() { Name = "Placeholder", Captures = [Capture("Z", "blocks.{layer}.z")] }, prompts));

        static void Says(string text, Action run) => Assert.Contains(text, Assert.Throws<InterventionException>(run).Message);
    }

    [Fact]
    public void A_thousand_runs_leave_nothing_behind_also_when_they_throw()
    {
        ToyPrompts prompts = ToyPrompts.Random(11, 4, 3);
        InterventionGraph good = new() { Name = "Good", Writes = [Patch("blocks.{layer}.z")], Captures = [Capture("Z", "blocks.*.z")], Metrics = [LogitDifference] };
        InterventionGraph bad = good with { Writes = [Patch("blocks.0.z"), new WriteNode("Throw", "blocks.1.z", [Value, Corrupted], _ => throw new InvalidOperationException("half-way"))] };
        long handles = 0;
        for (int i = 0; i < 1_000; i++)
        {
            Run(good, prompts).Dispose();
            Assert.Throws<InvalidOperationException>(() => Run(bad, prompts));
            if (i == 50)
                handles = LiveTensors.Count();
        }
        Assert.Equal(handles, Tensor.TotalCount);
    }

    [Fact]
    public void Progress_counts_steps_and_cancellation_stops()
    {
        ToyPrompts prompts = ToyPrompts.Random(12, 4, 4, 4);
        List<RunProgress> seen = [];
        InterventionGraph graph = new() { Name = "Slow", Writes = [Patch("blocks.{layer}.z")], Metrics = [LogitDifference] };
        Run(graph, prompts, new RunOptions { BatchSize = 2, Naive = true, Progress = new Synchronous(seen.Add) }).Dispose();
        Assert.Equal(Enumerable.Range(1, 6).Select(done => new RunProgress(done, 6)), seen);
        seen.Clear();
        Run(graph, prompts, new RunOptions { BatchSize = 2, Progress = new Synchronous(seen.Add) }).Dispose();
        Assert.Equal(Enumerable.Range(1, seen.Count).Select(done => new RunProgress(done, seen.Count)), seen);

        using CancellationTokenSource cancelled = new();
        cancelled.Cancel();
        long handles = LiveTensors.Count();
        Assert.Throws<OperationCanceledException>(() => InterventionRunner.Run(graph, _model, prompts, null, cancelled.Token));
        Assert.Equal(handles, Tensor.TotalCount);
    }

    private sealed class Synchronous(Action<RunProgress> report) : IProgress<RunProgress>
    {
        public void Report(RunProgress value) => report(value);
    }

    private static WriteNode Patch(string site) => new("Patch", site, [Value, Corrupted], x => x[1]);

    private static CaptureNode Capture(string name, string site) => new(name, site, [Value], x => x[0]);

    private RunOutput Run(InterventionGraph graph, IPromptSet prompts, RunOptions? options = null) => InterventionRunner.Run(graph, _model, prompts, options);

    private Tensor Forward(ToyPrompts prompts, int run) => Values(prompts, run, "logits")["logits"];

    private Dictionary<string, Tensor> Values(ToyPrompts prompts, int run, string site, params (string Site, Func<Tensor, Tensor> Write)[] writes)
    {
        long[][] ids = [.. prompts.Prompts.Select(prompt => prompt.Runs[run].Ids.ToArray())];
        Tensor tokens = stack(ids.Select(row => tensor(row)));
        return GraphEvaluator.Evaluate(_model.Graph, tokens, [site], writes.ToDictionary(write => write.Site, write => write.Write));
    }

    private static Tensor Difference(ToyPrompts prompts, Tensor logits) => stack(prompts.Prompts.Select((prompt, row) =>
        logits[row, -1, prompt.Answers[0]] - logits[row, -1, prompt.Answers[1]]));

    private static int Mid(ToyPrompts prompts, int row, int run) => prompts.Prompts[row].Runs[run].Positions[0];

    private static IEnumerable<int> HeadIndices(string selector) => selector switch
    {
        "" => [0, 1, 2],
        "head=1" => [1],
        "head=0,2" or "head=2,0" => [0, 2],
        "head=1..2" => [1, 2],
        "head=-1" => [2],
        _ => throw new ArgumentException(selector),
    };

    private static IEnumerable<int> Positions(string selector, int length, int mid) => (selector switch
    {
        "" => Enumerable.Range(0, length),
        "pos=mid" => [mid],
        "pos=end" => [length - 1],
        "pos=end-1" or "pos=-2" => [length - 2],
        "pos=0..1" => [0, 1],
        "pos=mid,end" => [mid, length - 1],
        "pos=1" => [1],
        "pos=1..-2" => Enumerable.Range(1, length - 2),
        "pos=0,-1" => [0, length - 1],
        _ => throw new ArgumentException(selector),
    }).Distinct();

    private static void Identical(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        Assert.Equal(expected.data<double>().ToArray(), actual.data<double>().ToArray());
    }

    private static void Close(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        double worst = (expected - actual).abs().max().item<double>();
        Assert.True(worst <= 1e-9, $"differs by {worst}");
    }
}
