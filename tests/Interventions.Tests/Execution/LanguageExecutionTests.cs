using Interventions.ModelGraphs;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Execution;

/// <summary>Derived runs, built-in writes, gradients and parameters against passes written out by hand.</summary>
public sealed class LanguageExecutionTests : IDisposable
{
    private static readonly MetricNode s_logitDifference = new(
        "LogitDifference", [new Read.Logit("correct", "end"), new Read.Logit("wrong", "end")], x => x[0] - x[1]);

    private readonly ToyModel _model = new();
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        _model.Dispose();
    }

    [Fact]
    public void Changes_says_which_run_is_written()
    {
        ToyPrompts prompts = ToyPrompts.Random(1, 4, 4);
        using RunOutput denoising = Run(new() { Name = "Denoise", Changes = "corrupted", Writes = [BuiltInWrites.Freeze("embed", "clean")], Captures = [Capture("logits")] }, prompts);
        Close(Forward(prompts, 0), denoising.Changed("logits").Values);
        using RunOutput nothing = Run(new() { Name = "Nothing", Changes = "corrupted", Captures = [Capture("logits")] }, prompts);
        Close(Forward(prompts, 1), nothing.Changed("logits").Values);
    }

    [Fact]
    public void Built_in_writes_are_what_they_say()
    {
        ToyPrompts prompts = ToyPrompts.Random(2, 4, 3);
        Tensor direction = arange(1, ToyModel.Width + 1, dtype: float64);
        Tensor clean = Value(BuiltInWrites.Scale("embed", 1));
        Close(zeros_like(clean), Value(BuiltInWrites.Zero("embed")));
        Close(clean * -2, Value(BuiltInWrites.Scale("embed", -2)));
        Close(clean, Value(BuiltInWrites.Freeze("embed", to: null)));
        Close(Real(prompts, clean + (direction * 3)), Value(BuiltInWrites.Add("Add", "embed", direction, 3)));
        Tensor along = (clean * direction).sum([-1L], keepdim: true) / (direction * direction).sum() * direction;
        Close(clean - along, Value(BuiltInWrites.ProjectOut("Out", "embed", direction)));
        Close(along, Value(BuiltInWrites.ProjectOnto("Onto", "embed", direction)));

        Tensor Value(WriteNode write)
        {
            using RunOutput run = Run(new() { Name = "BuiltIn", Writes = [write], Captures = [Capture("embed")] }, prompts);
            return run.Changed("embed").Values.clone();
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(32)]
    public void Means_count_every_prompt_that_has_the_position(int batchSize)
    {
        ToyPrompts prompts = ToyPrompts.Random(3, 5, 3, 4, 5);
        RunOptions options = new() { BatchSize = batchSize };
        Tensor[] embeds = [.. Enumerable.Range(0, 4).Select(row => Values(prompts.Only(row), 1, "embed")[0])];

        Tensor byPosition = Mean("embed", pooled: false);
        Tensor pooled = Mean("embed", pooled: true);
        Tensor atEnd = Mean("embed[pos=end]", pooled: false);
        Tensor all = cat(embeds, 0).mean([0L]);
        for (int row = 0; row < 4; row++)
        {
            long length = embeds[row].shape[0];
            for (int pos = 0; pos < length; pos++)
            {
                Close(stack(embeds.Where(embed => embed.shape[0] > pos).Select(embed => embed[pos])).mean([0L]), byPosition[row, pos]);
                Close(all, pooled[row, pos]);
            }
            Close(stack(embeds.Select(embed => embed[-1])).mean([0L]), atEnd[row, length - 1]);
        }

        Tensor Mean(string site, bool pooled)
        {
            using RunOutput run = Run(new() { Name = "Mean", Writes = [BuiltInWrites.Mean(site, "corrupted", pooled)], Captures = [Capture("embed")] }, prompts, options);
            return run.Changed("embed").Values.clone();
        }
    }

    [Fact]
    public void Partners_depend_on_the_seed_and_the_prompt_never_on_the_batch()
    {
        ToyPrompts prompts = ToyPrompts.Random(4, 4, 4, 4, 4, 4, 4, 4);
        Tensor whole = Resampled(seed: 1, batchSize: 32);
        Close(whole, Resampled(seed: 1, batchSize: 2));
        Assert.True((whole - Resampled(seed: 2, batchSize: 32)).abs().max().item<double>() > 1e-3);
        Tensor corrupted = Values(prompts, 1, "embed");
        for (int row = 0; row < 7; row++)
            Assert.Single(Enumerable.Range(0, 7), other => other != row && (corrupted[other] - whole[row]).abs().max().item<double>() < 1e-12);

        InterventionException alone = Assert.Throws<InterventionException>(() => Run(
            new() { Name = "Alone", Writes = [BuiltInWrites.Resample("embed", null, 0)], Captures = [Capture("embed")] }, prompts.Only(0)));
        Assert.Contains("needs another prompt of 4 tokens", alone.Message);

        Tensor Resampled(int seed, int batchSize)
        {
            using RunOutput run = Run(
                new() { Name = "Resample", Writes = [BuiltInWrites.Resample("embed", "corrupted", seed)], Captures = [Capture("embed")] }, prompts, new RunOptions { BatchSize = batchSize });
            return run.Changed("embed").Values.clone();
        }
    }

    [Fact]
    public void A_derived_run_feeds_another_one()
    {
        ToyPrompts prompts = ToyPrompts.Random(5, 4, 4);
        // The sender's change reaches layer 1 with its heads frozen; what it puts there is written into the clean run.
        InterventionGraph graph = new()
        {
            Name = "Path",
            Runs = [new("direct")],
            Writes =
            [
                BuiltInWrites.Freeze("blocks.1.z", null, "direct"),
                new("Sender", "blocks.0.z[head={head}]", [new Read.From("corrupted")], x => x[0], "direct"),
                new("Receiver", "blocks.1.resid[pos=end]", [new Read.From("direct")], x => x[0]),
            ],
            Captures = [Capture("logits")],
        };
        using RunOutput run = Run(graph, prompts);
        Tensor frozen = Values(prompts, 0, "blocks.1.z"), donor = Values(prompts, 1, "blocks.0.z");
        for (int head = 0; head < ToyModel.Heads; head++)
        {
            Tensor direct = Values(prompts, 0, "blocks.1.resid", ("blocks.1.z", _ => frozen), ("blocks.0.z", z =>
            {
                Tensor patched = z.clone();
                patched[TensorIndex.Ellipsis, head, TensorIndex.Colon] = donor[TensorIndex.Ellipsis, head, TensorIndex.Colon];
                return patched;
            }
            ));
            Tensor expected = Values(prompts, 0, "logits", ("blocks.1.resid", resid => cat([resid.narrow(1, 0, 3), direct.narrow(1, 3, 1)], 1)));
            Close(expected, run.Changed("logits").At(head));
        }
    }

    [Fact]
    public void Runs_in_a_circle_and_wrong_donors_are_refused()
    {
        ToyPrompts prompts = ToyPrompts.Random(6, 4);
        WriteNode Reading(string donor, string? run) => new("Write", "embed", [new Read.From(donor)], x => x[0], run);
        Says("read each other in a circle", new() { Name = "Circle", Runs = [new("a"), new("b")], Writes = [Reading("b", "a"), Reading("a", "b")] });
        Says("read each other in a circle", new() { Name = "Itself", Runs = [new("a")], Writes = [Reading("a", "a")] });
        Says("two runs 'clean'", new() { Name = "Name", Runs = [new("clean")] });
        Says("declare [Run(\"direct\")]", new() { Name = "In", Writes = [Reading("clean", "direct")] });
        Says("exists for writes only", new() { Name = "Kept", Runs = [new("a")], Captures = [new("Z", "embed", [new Read.From("a")], x => x[0])] });

        void Says(string text, InterventionGraph graph) => Assert.Contains(text, Assert.Throws<InterventionException>(() => Run(graph, prompts)).Message);
    }

    [Fact]
    public void A_capture_is_after_the_writes_unless_it_says_before()
    {
        ToyPrompts prompts = ToyPrompts.Random(7, 4, 3);
        using RunOutput run = Run(
            new()
            {
                Name = "Before",
                Writes = [BuiltInWrites.Zero("blocks.0.z[head=1]")],
                Captures = [Capture("blocks.0.z"), Capture("blocks.0.z") with { Name = "Before", BeforeWrites = true }],
            },
            prompts);
        Close(run.Run("clean")["blocks.0.z"], run.Changed("Before").Values);
        Assert.Equal(0, run.Changed("blocks.0.z").Values[TensorIndex.Ellipsis, 1, TensorIndex.Colon].abs().max().item<double>());
    }

    [Fact]
    public void Metrics_read_all_logits_other_runs_and_sites()
    {
        ToyPrompts prompts = ToyPrompts.Random(8, 4, 4);
        InterventionGraph graph = new()
        {
            Name = "Metrics",
            Writes = [BuiltInWrites.Freeze("blocks.0.z", "corrupted")],
            Metrics =
            [
                new("Divergence", [new Read.Logits("end", "clean"), new Read.Logits("end")], x => (x[0].softmax(-1) * (x[0].log_softmax(-1) - x[1].log_softmax(-1))).sum(-1)),
                new("LogProbability", [new Read.Logits("end"), new Read.AnswerIds("correct")], x => x[0].log_softmax(-1).gather(1, x[1].unsqueeze(1)).squeeze(1)),
                new("Norm", [new Read.Of("blocks.1.resid[pos=mid]")], x => x[0].pow(2).sum([1L, 2L])),
                new("Gap", [new Read.Logit("correct", "end"), new Read.Logit("correct", "end", "clean")], x => x[0] - x[1]),
            ],
        };
        using RunOutput run = Run(graph, prompts);
        Tensor clean = Forward(prompts, 0).select(1, -1).log_softmax(-1);
        Tensor donor = Values(prompts, 1, "blocks.0.z");
        Tensor changed = Values(prompts, 0, "logits", ("blocks.0.z", _ => donor)).select(1, -1).log_softmax(-1);
        Close((clean.exp() * (clean - changed)).sum(-1), run.Changed("Divergence").Values);
        Close(zeros(2, dtype: float64), run.Run("clean")["Divergence"]);
        Close(stack(Enumerable.Range(0, 2).Select(row => changed[row, prompts.Prompts[row].Answers[0]])), run.Changed("LogProbability").Values);
        Tensor resid = Values(prompts, 1, "blocks.1.resid");
        Close(stack(Enumerable.Range(0, 2).Select(row => resid[row, prompts.Prompts[row].Runs[1].Positions[0]].pow(2).sum())), run.Run("corrupted")["Norm"]);
        Close(zeros(2, dtype: float64), run.Run("clean")["Gap"]);
    }

    [Theory]
    [InlineData("embed[pos=0]")]
    [InlineData("blocks.0.z[head=1]")]
    [InlineData("blocks.0.result[head=2; pos=mid]")]
    [InlineData("blocks.1.out")]
    public void Gradients_are_finite_differences_in_every_run(string site)
    {
        ToyPrompts prompts = ToyPrompts.Random(9, 4, 3);
        WriteNode patch = new("Patch", "blocks.0.z[head=0]", [new Read.Value(), new Read.From("corrupted")], x => (x[0] + x[1]) / 2);
        InterventionGraph graph = new()
        {
            Name = "Gradient",
            Writes = [patch],
            Gradients = [new("Gradient", site, [new Read.Gradient()], x => x[0]), new("Product", site, [new Read.Gradient(), new Read.Value()], x => (x[0] * x[1]).flatten(1).sum(-1))],
            Metrics = [s_logitDifference],
        };
        using RunOutput run = Run(graph, prompts);
        using RunOutput values = Run(graph with { Gradients = [], Captures = [Capture(site)] }, prompts);
        Tensor gradient = run.Changed("Gradient").Values;
        Close((gradient * values.Changed(site).Values).flatten(1).sum(-1), run.Changed("Product").Values);

        // Along a random direction, added to the site after every other write.
        Tensor direction = randn_like(gradient) * gradient.ne(0).to(float64);
        const double Step = 1e-5;
        Tensor difference = (Moved(Step) - Moved(-Step)) / (2 * Step);
        Tensor expected = (gradient * direction).flatten(1).sum(-1);
        Assert.InRange((difference - expected).abs().max().item<double>(), 0, 1e-6 * (1 + expected.abs().max().item<double>()));
        Assert.True(run.Run("corrupted")["Gradient"].abs().max().item<double>() > 0);

        Tensor Moved(double step)
        {
            // Prompts one by one, so that the direction's padding never matters.
            return cat([.. Enumerable.Range(0, 2).Select(row =>
            {
                WriteNode move = new("Move", site, [new Read.Value()], x =>
                {
                    Tensor own = direction.narrow(0, row, 1);
                    for (int axis = 1; axis < own.shape.Length; axis++)
                        own = own.narrow(axis, 0, x[0].shape[axis]);
                    return x[0] + (own * step);
                });
                using RunOutput moved = Run(graph with { Gradients = [], Writes = [patch, move] }, prompts.Only(row));
                return moved.Changed("LogitDifference").Values.clone();
            })]);
        }
    }

    [Fact]
    public void A_parameters_gradient_is_summed_over_prompts_while_the_model_stays_frozen()
    {
        ToyPrompts prompts = ToyPrompts.Random(10, 4, 3, 5);
        using Generator generator = new(13);
        Tensor mask = rand(ToyModel.Heads, dtype: float64, generator: generator).requires_grad_();
        InterventionGraph Graph(Tensor values) => new()
        {
            Name = "Mask",
            Writes = [new("Mix", "blocks.*.z", [new Read.Value(), new Read.From("corrupted")], x => x[0] + (values.view(-1, 1) * (x[1] - x[0])))],
            Metrics = [s_logitDifference],
            Parameters = values.requires_grad ? [new("Mask", values)] : [],
        };
        using RunOutput run = Run(Graph(mask), prompts, new RunOptions { BatchSize = 2 });
        Tensor gradient = run.Gradient("Mask");
        for (int head = 0; head < ToyModel.Heads; head++)
        {
            double difference = Differences.Central(step => Total(head, step));
            Assert.Equal(difference, gradient[head].item<double>(), 1e-7 * (1 + Math.Abs(difference)));
        }
        Assert.False(gradient.requires_grad);
        Assert.True(mask.grad is null);
        Assert.Contains("requires_grad_()", Assert.Throws<InterventionException>(() => Run(Graph(mask) with { Parameters = [new("Mask", mask.detach())] }, prompts)).Message);

        double Total(int head, double step)
        {
            Tensor moved = mask.detach().clone();
            moved[head] = moved[head] + step;
            using RunOutput output = Run(Graph(moved), prompts);
            return output.Changed("LogitDifference").Values.sum().item<double>();
        }
    }

    [Fact]
    public void A_parameter_that_only_the_metric_reads_has_a_gradient()
    {
        ToyPrompts prompts = ToyPrompts.Random(12, 4, 3);
        Tensor scale = ones(1, dtype: float64).requires_grad_();
        InterventionGraph graph = new()
        {
            Name = "Probe",
            Metrics = [new("Scaled", [new Read.Logit("correct", "end")], x => x[0] * scale)],
            Parameters = [new("Scale", scale)],
        };
        using RunOutput run = Run(graph, prompts);
        Close(run.Changed("Scaled").Values.sum().view(1), run.Gradient("Scale"));
    }

    [Theory]
    [InlineData("gradients")]
    [InlineData("before")]
    [InlineData("mean")]
    [InlineData("resample")]
    [InlineData("derived")]
    public void Runs_leave_no_handle_behind(string with)
    {
        ToyPrompts prompts = ToyPrompts.Random(11, 4, 3);
        InterventionGraph plain = new() { Name = "Plain", Writes = [BuiltInWrites.Zero("blocks.{layer}.z")], Metrics = [s_logitDifference] };
        InterventionGraph graph = with switch
        {
            "gradients" => plain with { Gradients = [new("Gradient", "blocks.*.z", [new Read.Gradient()], x => x[0])] },
            "before" => plain with { Captures = [Capture("blocks.*.z") with { BeforeWrites = true }] },
            "mean" => plain with { Writes = [.. plain.Writes, BuiltInWrites.Mean("embed", null, false)] },
            "resample" => plain with { Writes = [.. plain.Writes, BuiltInWrites.Resample("embed[pos=0]", null, 1)] },
            _ => plain with { Runs = [new("derived")], Writes = [.. plain.Writes, BuiltInWrites.Zero("embed", "derived"), BuiltInWrites.Freeze("embed", "derived")] },
        };
        long handles = 0;
        for (int i = 0; i < 60; i++)
        {
            Run(graph, prompts).Dispose();
            if (i == 10)
                handles = LiveTensors.Count();
        }
        Assert.Equal(handles, Tensor.TotalCount);
    }

    private static CaptureNode Capture(string site) => new(site, site, [new Read.Value()], x => x[0]);

    private RunOutput Run(InterventionGraph graph, IPromptSet prompts, RunOptions? options = null) => InterventionRunner.Run(graph, _model, prompts, options);

    private Tensor Forward(ToyPrompts prompts, int run) => Values(prompts, run, "logits");

    private Tensor Values(ToyPrompts prompts, int run, string site, params (string Site, Func<Tensor, Tensor> Write)[] writes)
    {
        Tensor tokens = stack(prompts.Prompts.Select(prompt => tensor(prompt.Runs[run].Ids.ToArray())));
        return GraphEvaluator.Evaluate(_model.Graph, tokens, [site], writes.ToDictionary(write => write.Site, write => write.Write))[site];
    }

    /// <summary>The value with zeros where prompts have no token.</summary>
    private static Tensor Real(ToyPrompts prompts, Tensor value)
    {
        Tensor real = zeros_like(value);
        for (int row = 0; row < prompts.Prompts.Count; row++)
            real[row, ..prompts.Prompts[row].Runs[0].Ids.Count] = value[row, ..prompts.Prompts[row].Runs[0].Ids.Count];
        return real;
    }

    private static void Close(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        Assert.InRange((expected - actual).abs().max().item<double>(), 0, 1e-9);
    }
}
