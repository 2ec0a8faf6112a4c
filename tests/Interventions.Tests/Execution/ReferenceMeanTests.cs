using Interventions.ModelGraphs;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Execution;

/// <summary>Means over other prompts and templates, and mixtures by a mask, by hand.</summary>
public sealed class ReferenceMeanTests : IDisposable
{
    private readonly ToyModel _model = new();
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        _model.Dispose();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(32)]
    public void Means_are_by_template_and_position_over_real_tokens(int batchSize)
    {
        ToyPrompts prompts = Templates(ToyPrompts.Random(51, 4, 3, 4), 0, 1, 1), over = Templates(ToyPrompts.Random(52, 4, 5, 2, 4, 3), 0, 0, 0, 1, 1);
        Tensor[] values = [.. Enumerable.Range(0, 5).Select(row => Values(over.Only(row), 1, "blocks.1.z")[0])];
        Tensor mean = Written(BuiltInWrites.Mean("blocks.*.z[head=1]", "corrupted", pooled: false, over: over));
        Tensor across = Written(BuiltInWrites.Mean("blocks.*.z[head=1]", "corrupted", pooled: false, over: over, acrossTemplates: true));
        Tensor pooled = Written(BuiltInWrites.Mean("blocks.*.z[head=1]", "corrupted", pooled: true, over: over));
        for (int row = 0; row < 3; row++)
        {
            for (int pos = 0; pos < prompts.Prompts[row].Runs[0].Ids.Count; pos++)
            {
                Close(Mean(values.Where((value, i) => over.Prompts[i].Template == prompts.Prompts[row].Template && value.shape[0] > pos).Select(value => value[pos, 1])), mean[row, pos, 1]);
                Close(Mean(values.Where(value => value.shape[0] > pos).Select(value => value[pos, 1])), across[row, pos, 1]);
                Close(Mean(values.SelectMany(value => Enumerable.Range(0, (int)value.shape[0]).Select(at => value[at, 1]))), pooled[row, pos, 1]);
            }
        }

        Tensor Written(WriteNode write)
        {
            using RunOutput run = Run(new() { Name = "Mean", Writes = [write], Captures = [new("Z", "blocks.1.z", [new Read.Value()], x => x[0])] }, prompts, batchSize);
            return run.Changed("Z").Values.clone();
        }

        static Tensor Mean(IEnumerable<Tensor> values) => stack(values).mean([0L]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void All_means_over_a_run_are_one_stream(bool naive)
    {
        ToyPrompts prompts = ToyPrompts.Random(57, 4, 3, 4);
        // The first run of a model also measures its nodes.
        Passes(ToyPrompts.Random(58, 5, 4));
        // In batches of two, five prompts are two batches more than two.
        Assert.Equal(2 + Passes(ToyPrompts.Random(58, 5, 4)), Passes(ToyPrompts.Random(59, 4, 5, 4, 4, 5)));

        int Passes(ToyPrompts over)
        {
            int before = _model.Passes;
            WriteNode Mean(string site) => BuiltInWrites.Mean(site, "corrupted", pooled: false, over: over);
            InterventionGraph graph = new()
            {
                Name = "Means",
                Writes = [Mean("blocks.0.z[head={h}; pos=end]"), Mean("blocks.1.z[head={h}]"), Mean("blocks.1.out[pos=mid]")],
                Metrics = [new("M", [new Read.Logit("correct", "end")], x => x[0])],
            };
            InterventionRunner.Run(graph, _model, prompts, new RunOptions { BatchSize = 2, Naive = naive }).Dispose();
            return _model.Passes - before;
        }
    }

    [Fact]
    public void What_has_no_mean_is_refused()
    {
        ToyPrompts prompts = Templates(ToyPrompts.Random(53, 4), 2);
        Says("prompt 0 has template 2, of which ToyPrompts has no prompt", "embed", ToyPrompts.Random(54, 4));
        Says("'embed' selects 4 positions of prompt 0; the prompts of ToyPrompts over which the mean is taken have 3 at most", "embed", Templates(ToyPrompts.Random(54, 3), 2));
        Says("selects position 3 of prompt 0", "embed[pos=3]", Templates(ToyPrompts.Random(54, 3), 2));
        Says("ToyPrompts has no prompts", "embed", new ToyPrompts());

        void Says(string text, string site, ToyPrompts over) => Assert.Contains(text, Assert.Throws<InterventionException>(() => Run(
            new() { Name = "Mean", Writes = [BuiltInWrites.Mean(site, null, pooled: false, over: over)], Captures = [new("E", "embed", [new Read.Value()], x => x[0])] }, prompts)).Message);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_mask_mixes_and_learns(bool byLayer)
    {
        ToyPrompts prompts = ToyPrompts.Random(55, 4, 3);
        using Generator generator = new(14);
        Tensor mask = rand(byLayer ? [2, 3] : [3], dtype: float64, generator: generator).requires_grad_();
        InterventionGraph Graph(Tensor values) => new()
        {
            Name = "Mask",
            Writes = [BuiltInWrites.Mix("Mask", "blocks.*.z", values, "corrupted", byLayer ? ["layer", "head"] : ["head"])],
            Captures = [new("First", "blocks.0.z", [new Read.Value()], x => x[0])],
            Metrics = [new("M", [new Read.Logit("correct", "end")], x => x[0])],
            Parameters = values.requires_grad ? [new("Mask", values)] : [],
        };
        using RunOutput run = Run(Graph(mask), prompts);
        Tensor clean = run.Run("clean")["First"], corrupted = run.Run("corrupted")["First"], first = (byLayer ? mask[0] : mask).detach().view(1, 1, 3, 1);
        Close(((first * clean) + ((1 - first) * corrupted)), run.Changed("First").Values);
        Tensor gradient = run.Gradient("Mask");
        Assert.Equal(mask.shape, gradient.shape);
        for (int i = 0; i < mask.numel(); i++)
        {
            double difference = Differences.Central(step => Total(i, step));
            Assert.Equal(difference, gradient.flatten()[i].item<double>(), 1e-7 * (1 + Math.Abs(difference)));
        }
        // All ones keep what is mixed, bit for bit; what follows is computed in products of other shapes.
        using RunOutput kept = Run(Graph(ones_like(mask)), prompts);
        Assert.Equal(0, (kept.Changed("First").Values - kept.Run("clean")["First"]).abs().max().item<double>());
        Close(kept.Run("clean")["M"], kept.Changed("M").Values);

        double Total(int i, double step)
        {
            Tensor moved = mask.detach().clone();
            moved.view(-1)[i] = moved.view(-1)[i] + step;
            using RunOutput output = Run(Graph(moved), prompts);
            return output.Changed("M").Values.sum().item<double>();
        }
    }

    [Fact]
    public void Masks_that_do_not_fit_are_refused()
    {
        Says("a mask for 'blocks.0.z' has no axis 'heads'; its axes are pos, head and d_head", "blocks.0.z", [3], "heads");
        Says("has no axis 'layer', since the path names one layer at a time", "blocks.0.z", [3], "layer");
        Says("stand in the order layer, pos, head and d_head, each once", "blocks.*.z", [3, 2], "head", "layer");
        Says("stand in the order layer, pos, head and d_head, each once", "blocks.*.z", [3, 3], "head", "head");
        Says("it is [3], which has not the axes layer and head", "blocks.*.z", [3], "layer", "head");
        Says("Mask.Mask is [3], and along its axes 'blocks.0.z[head=0,1]' selects [head=2]", "blocks.0.z[head=0,1]", [3], "head");
        Says("Mask.Mask is [3], and along its axes 'blocks.*.z' selects [layer=2]", "blocks.*.z", [3], "layer");
        Says("Mask.Mask is [5, 3], and along its axes 'blocks.0.z' selects [pos=4, head=3]", "blocks.0.z", [5, 3], "pos", "head");
        Says("Mask.Mask is [2, 3], which does not broadcast to the values that 'blocks.0.z' selects", "blocks.0.z", [2, 3]);

        void Says(string text, string site, long[] shape, params string[] axes) => Assert.Contains(text, Assert.Throws<InterventionException>(() => Run(
            new() { Name = "Mask", Writes = [BuiltInWrites.Mix("Mask", site, ones(shape), "corrupted", axes)], Metrics = [new("M", [new Read.Logit("correct", "end")], x => x[0])] },
            ToyPrompts.Random(56, 4))).Message);
    }

    private static ToyPrompts Templates(ToyPrompts prompts, params int[] templates) =>
        new([.. prompts.Prompts.Select((prompt, i) => prompt with { Template = templates[i] })]);

    private RunOutput Run(InterventionGraph graph, IPromptSet prompts, int batchSize = 32) =>
        InterventionRunner.Run(graph, _model, prompts, new RunOptions { BatchSize = batchSize });

    private Tensor Values(ToyPrompts prompts, int run, string site) =>
        GraphEvaluator.Evaluate(_model.Graph, stack(prompts.Prompts.Select(prompt => tensor(prompt.Runs[run].Ids.ToArray()))), [site])[site];

    private static void Close(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        Assert.InRange((expected - actual).abs().max().item<double>(), 0, 1e-9);
    }
}
