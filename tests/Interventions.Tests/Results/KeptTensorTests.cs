using Interventions.Results;
using Interventions.Runtime;
using Interventions.Tests.Declarations;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Results;

/// <summary>Kept values as tensors with named axes: changes, means, layers by number.</summary>
public sealed class KeptTensorTests : ToyTest
{
    private readonly ToyPrompts _prompts = ToyPrompts.Random(42, 4, 2, 3);

    [Theory]
    [InlineData(1)]
    [InlineData(32)]
    public void A_change_is_the_value_less_the_unchanged_one_prompt_by_prompt(int batchSize)
    {
        using RunResult run = Swept(batchSize);
        foreach (string name in new[] { "Heads", "Here", "Total" })
        {
            SweptTensor change = run.Changed(name).Change;
            Assert.Equal(run.Changed(name).Axes, change.Axes);
            Close(run.Changed(name).Values - run.Run("clean")[name], change.Values);
            Assert.Equal(run.Changed(name).Points().Select(point => point.Change), change.Points().Select(point => point.Value), Near);
            // Asked for again, it is the same tensor, which the result owns.
            Assert.Same(change.Values, run.Changed(name).Change.Values);
        }
        Assert.True(run.Changed("Total").Change.abs().max().item<double>() > 1e-6);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(32)]
    public void A_mean_is_over_prompts_and_leaves_padding_out(int batchSize)
    {
        using RunResult run = Swept(batchSize);
        SweptTensor total = run.Changed("Total"), heads = run.Changed("Heads");
        Close(total.Values.mean([1L]), total.Mean());
        Assert.Equal(["head"], total.Mean().Axes);
        Close(total.Change.Values.mean([1L]), total.Change.Mean());
        Close(total.Change.Mean(), total.Mean().Change);
        Assert.Equal(["head", "layer", "pos", "kept_head", "d_head"], heads.Mean().Axes);
        for (int pos = 0; pos < 4; pos++)
        {
            Tensor[] real = [.. Enumerable.Range(0, 3).Where(row => pos < _prompts.Prompts[row].Runs[0].Ids.Count)
                .Select(row => heads.Values[TensorIndex.Ellipsis, row, pos, TensorIndex.Colon, TensorIndex.Colon])];
            Close(stack(real).mean([0L]), heads.Mean().Values[TensorIndex.Ellipsis, pos, TensorIndex.Colon, TensorIndex.Colon]);
        }
        Assert.Same(total.Mean().Values, total.Mean().Mean().Values);
    }

    [Fact]
    public void Everything_that_was_computed_is_freed_with_the_result()
    {
        Everything();
        long before = LiveTensors.Count();
        Everything();
        Assert.Equal(before, LiveTensors.Count());

        void Everything()
        {
            using RunResult run = Swept(32);
            using (NewDisposeScope())
                Assert.False(run.Changed("Heads").Change.Mean().Values.IsInvalid);
            // It outlived the scope.
            Assert.False(run.Changed("Heads").Change.Mean().Values.IsInvalid);
            _ = run.Changed("Here").Mean().Change;
        }
    }

    [Fact]
    public void Whole_numbers_and_truth_values_have_means_and_changes()
    {
        InterventionGraph graph = new()
        {
            Name = "Types",
            Writes = [BuiltInWrites.Zero("blocks.{layer}.out[pos=end]")],
            Captures =
            [
                new("Positive", "blocks.1.resid[pos=end]", [Value], x => x[0] > 0),
                new("Half", "blocks.1.resid[pos=end]", [Value], x => x[0].to(ScalarType.Float16)),
                new("Rounded", "blocks.1.resid[pos=end]", [Value], x => (x[0] * 10).to(ScalarType.Int64)),
            ],
        };
        using RunResult run = Run(graph, _prompts);
        Check("Positive", ScalarType.Float32);
        Check("Half", ScalarType.Float16);
        Check("Rounded", ScalarType.Float64);

        void Check(string name, ScalarType dtype)
        {
            SweptTensor kept = run.Changed(name);
            Assert.Equal((dtype, dtype), (kept.Mean().dtype, kept.Change.dtype));
            Tensor mean = kept.Values.to(float64).mean([1L]);
            Assert.True((mean - kept.Mean().to(float64)).abs().max().item<double>() < 1e-3 * (1 + mean.abs().max().item<double>()));
        }
    }

    [Fact]
    public void Layers_are_asked_for_by_number_in_whatever_order_the_path_has_them()
    {
        InterventionGraph graph = new()
        {
            Name = "Layers",
            Captures = [Capture("Back", "blocks.[1,0].out"), Capture("All", "blocks.*.out"), Capture("First", "blocks.0.out")],
            Gradients = [new("Gradient", "blocks.[1,0].out", [new Read.Gradient()], x => x[0].sum([-1L]))],
            Metrics = [LogitDifference],
        };
        using RunResult run = Run(graph, _prompts);
        foreach (string? of in new[] { null, "clean", "corrupted" })
        {
            LayerStack back = run.Layers("Back", of), all = run.Layers("All", of);
            Assert.Equal([1, 0], back.Layers);
            Assert.Equal(["layer", "batch", "pos", "d_model"], back.Axes);
            for (int layer = 0; layer < 2; layer++)
            {
                Close(all.Values[layer], back[layer: layer]);
                Close(all.Values[layer, 2, 1], back[layer, 2, 1]);
            }
            Close(back[1], run.Layers("Back", of).Values[0]);
            Close(all.Values.select(1, 0), all.select(1, 0));
        }
        Assert.Equal([1, 0], run.Layers("Gradient").Layers);
        Assert.Contains(
            "'Back' was not kept at layer 2, only at 1, 0.",
            Assert.Throws<ArgumentOutOfRangeException>(() => run.Layers("Back")[2]).Message);
        Assert.Contains(
            "'All' was not kept at layer -1, only at 0, 1.",
            Assert.Throws<ArgumentOutOfRangeException>(() => run.Layers("All")[-1, 0]).Message);
        Assert.Contains("not kept at several layers", Assert.Throws<InvalidOperationException>(() => run.Layers("First")).Message);
        Assert.Contains("there is Back, All, First", Assert.Throws<KeyNotFoundException>(() => run.Layers("Frist")).Message);
        Assert.Contains("there is clean, corrupted", Assert.Throws<KeyNotFoundException>(() => run.Layers("All", "cleen")).Message);
    }

    [Fact]
    public void A_typed_result_is_a_tensor_where_one_is_expected()
    {
        using TinyGpt2 model = TinyGpt2.Random();
        using HeadSweep.Result run = new HeadSweep().Run(model, DeclarationTests.Prompts(6, 6, 4));
        Tensor whole = run.LogitDifference, clean = run.Clean.LogitDifference;
        Assert.Same(run.LogitDifference.Values, whole);
        Close(whole - clean, run.LogitDifference - clean);
        Close(run.LogitDifference - clean, run.LogitDifference.Change);
        Close(clean - whole, clean - run.LogitDifference);
        Close(whole + whole, run.LogitDifference + run.LogitDifference);
        Close(whole * 2, run.LogitDifference * 2);
        Close(whole / 4.0, run.LogitDifference / 4);
        Close(whole - 1, run.LogitDifference - 1);
        Close(-whole, -run.LogitDifference);
        Close(whole.softmax(0), nn.functional.softmax(run.LogitDifference, 0));
        Assert.Equal(["layer", "head", "batch"], run.LogitDifference.Axes);
        Close(run.LogitDifference.Change.Mean().Values[1, 2], run.LogitDifference.Change.Mean()[layer: 1, head: 2]);

        // Stacked, at a point and in an unchanged run; swept by its own path, in both.
        Close(run.Attention.Values[1, 0, 1], run.Attention[layer: 1, head: 0][layer: 1]);
        Close(run.Clean.Attention.Values[1], run.Clean.Attention[layer: 1]);
        Assert.Equal(["layer", "head", "kept_layer", "batch", "kept_head", "query", "key"], run.Attention.Axes);
        Assert.Equal(["layer", "batch", "head", "query", "key"], run.Clean.Attention.Axes);
        Close(run.Clean.Written.Values[1, 2], run.Clean.Written[layer: 1, head: 2]);
        Assert.Equal(["layer", "head", "batch", "d_model"], run.Clean.Written.Axes);
    }

    [Theory]
    [InlineData("same", "batch pos head d_head")]
    [InlineData("sum", "batch pos head")]
    [InlineData("first", "batch head d_head")]
    [InlineData("flat", "batch pos axis2")]
    [InlineData("keepdim", "batch pos head axis3")]
    [InlineData("batch", "batch")]
    // Three heads and three of four numbers: nobody knows which axis it is.
    [InlineData("top", "batch pos head axis3")]
    [InlineData("square", "batch axis1")]
    public void Axes_have_the_sites_names_where_only_one_fits(string method, string axes)
    {
        Func<Tensor, Tensor> keep = method switch
        {
            "same" => z => z * 2,
            "sum" => z => z.sum(-1),
            "first" => z => z.select(1, 0),
            "flat" => z => z.flatten(2),
            "keepdim" => z => z.sum(-1, keepdim: true),
            "batch" => z => z.sum([1L, 2, 3]),
            "top" => z => z.narrow(3, 0, 3),
            _ => z => z.sum([2L, 3]).narrow(1, 0, 3).cumsum(1),
        };
        InterventionGraph graph = new() { Name = "Axes", Captures = [new("Kept", "blocks.1.z", [Value], x => keep(x[0]))] };
        // "square": three positions of the prompts are kept, and there are three heads and three positions.
        ToyPrompts prompts = ToyPrompts.Random(3, method == "square" ? [3, 3] : [5, 5]);
        using RunResult run = Run(graph, prompts);
        Assert.Equal(axes, string.Join(' ', run.Changed("Kept").Axes));
    }

    [Theory]
    [InlineData("blocks.1.z[pos=mid,end,-2,1,mid+0]", "pos", "mid end -2 1 mid")]
    [InlineData("blocks.1.z[pos=1..2; head=2,0]", "pos", "1 2")]
    [InlineData("blocks.1.z[pos=1..2; head=2,0]", "head", "2 0")]
    [InlineData("blocks.1.z[pos=1..-1]", "pos", "1 2 3")]
    [InlineData("blocks.1.z[pos=0..-2]", "pos", "")]
    [InlineData("blocks.1.z[pos=prompt]", "pos", "")]
    [InlineData("blocks.1.z", "d_head", "")]
    public void Along_an_axis_stands_what_the_path_selects(string path, string axis, string labels)
    {
        using RunResult run = Run(new() { Name = "Labels", Captures = [Capture("Kept", path)] }, ToyPrompts.Random(3, 4, 4));
        Assert.Equal(labels, string.Join(' ', run.Layout.Kept[0].Axes.Single(one => one.Name == axis).Labels));
    }

    private static bool Near(double left, double right) => Math.Abs(left - right) < 1e-9;

    private RunResult Swept(int batchSize) => Run(
        new()
        {
            Name = "Swept",
            Writes = [Patch("blocks.0.z[head={head}; pos=end]")],
            Captures = [Capture("Heads", "blocks.*.z"), Capture("Here", "blocks.1.z[head={head}; pos=end]")],
            Metrics = [LogitDifference with { Name = "Total" }],
        },
        _prompts, new RunOptions { BatchSize = batchSize });
}
