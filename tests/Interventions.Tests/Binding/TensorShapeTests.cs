using Interventions.Runtime;
using Interventions.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Binding;

/// <summary>Tensors of properties are measured before anything is computed, with their axes by name.</summary>
public sealed class TensorShapeTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly ToyModel _model = new();
    private readonly ToyPrompts _prompts = ToyPrompts.Random(5, 4, 3);

    public void Dispose()
    {
        _model.Dispose();
        _scope.Dispose();
    }

    [Theory]
    [InlineData(
        "embed", new long[] { 5 },
        "X.D is [5], which does not broadcast to the values that 'embed' selects, [batch=1, pos=3|4, d_model=6]")]
    [InlineData("embed", new long[] { 4, 6 }, "X.D is [4, 6], which does not broadcast to")]
    [InlineData("embed[pos=end]", new long[] { 2, 6 }, "selects, [batch=2, pos=1, d_model=6]")]
    [InlineData("embed", new long[] { 3, 1, 6 }, "X.D is [3, 1, 6]")]
    [InlineData("embed", new long[] { 1, 1, 1, 6 }, "X.D is [1, 1, 1, 6]")]
    [InlineData("blocks.0.z[head=0,2]", new long[] { 3, 4 }, "selects, [batch=1, pos=3|4, head=2, d_head=4]")]
    [InlineData("blocks.0.z[head={h}]", new long[] { 2, 4 }, "selects, [batch=1, pos=3|4, head=1, d_head=4]")]
    public void A_tensor_that_does_not_broadcast_is_refused_before_the_pass(string site, long[] shape, string message) =>
        Refused(message, new() { Name = "X", Writes = [BuiltInWrites.Add("D", site, ones(shape, dtype: float64), 1)] });

    [Theory]
    [InlineData("embed", new long[] { 6 })]
    [InlineData("embed", new long[] { })]
    [InlineData("embed[pos=0..1]", new long[] { 2, 6 })]
    [InlineData("embed[pos=end]", new long[] { 2, 1, 6 })]
    [InlineData("blocks.0.z[head=0,2]", new long[] { 2, 4 })]
    [InlineData("blocks.0.z", new long[] { 3, 1 })]
    public void A_tensor_that_broadcasts_is_added(string site, long[] shape)
    {
        Tensor tensor = ones(shape, dtype: float64);
        using RunResult run = Run(
            new()
            {
                Name = "X",
                Writes = [BuiltInWrites.Add("D", site, tensor, 2)],
                Captures = [
                new("C", site, [new Read.Value()], x => x[0])]
            });
        Tensor added = run.Changed("C").Values - run.Run("clean")["C"];
        // The shorter prompt is padded with zeros.
        Assert.True((added[0] - 2).abs().max().item<double>() < 1e-9);
    }

    [Fact]
    public void A_property_without_a_tensor_is_refused()
    {
        Refused("X.D is null; it must be a tensor", new() { Name = "X", Writes = [BuiltInWrites.Add("D", "embed", null!, 1)] });
        Refused("X.W is null; it must be a tensor", new() { Name = "X", Shapes = [new ShapedTensor("W", null!, ["d_model"])] });
    }

    [Fact]
    public void A_tensor_for_each_prompt_needs_them_in_one_batch() => Refused(
        "X.D is [2, 1, 6], which does not broadcast to the values that 'embed[pos=end]' selects, [batch=1,",
        new() { Name = "X", Writes = [BuiltInWrites.Add("D", "embed[pos=end]", ones(2, 1, 6, dtype: float64), 1)] },
        new RunOptions { BatchSize = 1 });

    [Fact]
    public void A_direction_without_length_is_refused_by_name()
    {
        const string Zero = "X.D is zero, so it has no direction along which 'blocks.0.z' could be projected";
        Tensor heads = ones(3, 4, dtype: float64);
        heads[1] = zeros(4, dtype: float64);
        foreach (Tensor direction in new[] { zeros(4, dtype: float64), heads })
        {
            Refused(Zero, new() { Name = "X", Writes = [BuiltInWrites.ProjectOut("D", "blocks.0.z", direction)] });
            Refused(Zero, new() { Name = "X", Writes = [BuiltInWrites.ProjectOnto("D", "blocks.0.z", direction)] });
        }
        // Where it is only added, zero is a number like others.
        using RunResult run = Run(new() { Name = "X", Writes = [BuiltInWrites.Add("D", "blocks.0.z", zeros(4, dtype: float64), 1)] });
        Assert.Single(run.Effects);
    }

    [Fact]
    public void A_tensor_that_holds_no_number_is_refused_by_name()
    {
        const string NotANumber = "X.D holds NaN, which is no number";
        Tensor vector = ones(6, dtype: float64);
        vector[2] = double.NaN;
        Refused(NotANumber, new() { Name = "X", Writes = [BuiltInWrites.Add("D", "embed", vector, 1)] });
        Refused(NotANumber, new() { Name = "X", Writes = [BuiltInWrites.Mix("D", "embed", vector, "corrupted", ["d_model"])] });
        // Infinite numbers mask.
        vector[2] = double.NegativeInfinity;
        Run(new() { Name = "X", Writes = [BuiltInWrites.Add("D", "embed", vector, 1)] }).Dispose();
    }

    [Theory]
    [InlineData(new long[] { 1 })]
    [InlineData(new long[] { })]
    [InlineData(new long[] { 6, 1 })]
    public void A_direction_lies_along_the_last_axis(long[] shape)
    {
        Refused(
            "does not lie along the last axis of",
            new() { Name = "X", Writes = [BuiltInWrites.ProjectOut("D", "embed", ones(shape, dtype: float64))] });
        Refused(
            "does not lie along the last axis of",
            new() { Name = "X", Writes = [BuiltInWrites.ProjectOnto("D", "embed", ones(shape, dtype: float64))] });
    }

    [Fact]
    public void A_declared_shape_is_the_tensors_own()
    {
        Refused("X.D is [1, 6], and its [Shape] says [d_model=6]", Declared(ones(1, 6, dtype: float64), "d_model"));
        Refused("X.D is [1], and its [Shape] says [d_model=6]", Declared(ones(1, dtype: float64), "d_model"));
        Refused("X.D is [6], and its [Shape] says [1, d_model=6]", Declared(ones(6, dtype: float64), "1", "d_model"));
        Refused("X.D: ToyModel has no axis 'd_modle'; did you mean 'd_model'?", Declared(ones(6, dtype: float64), "d_modle"));
        Run(Declared(ones(6, dtype: float64), "d_model")).Dispose();
        Run(Declared(ones(1, 6, dtype: float64), "1", "d_model")).Dispose();

        // Nothing writes it: the model's own lengths count.
        Tensor weights = ones(4, 6, dtype: float64);
        Refused(
            "X.W is [4, 6], and its [Shape] says [d_model=6, d_head=4]",
            new() { Name = "X", Shapes = [new("W", weights, ["d_model", "d_head"])] });
        Run(new() { Name = "X", Shapes = [new("W", weights, ["d_head", "d_model"])] }).Dispose();

        // Of two heads out of three.
        Tensor heads = ones(2, 4, dtype: float64);
        InterventionGraph selected = new() { Name = "X", Shapes = [new("H", heads, ["head", "d_head"])] };
        Run(selected.Then(BuiltInWrites.Add("H", "blocks.0.z[head=0,2]", heads, 1))).Dispose();
        Refused("X.H is [2, 4], and its [Shape] says [head=3, d_head=4]", selected);
    }

    [Fact]
    public void Included_shapes_are_measured() => Refused(
        "X.Inner.D is [1], and its [Shape] says [d_model=6]",
        new InterventionGraph { Name = "X" }.Including(Declared(ones(1, dtype: float64), "d_model"), "Inner"));

    [Fact]
    public void What_a_patch_returns_has_the_declared_shape()
    {
        Run(Patch(x => x.mean([0L, 1L]), "d_model")).Dispose();
        Refused("P returned [2, 1, 6], and its [Shape] says [d_model=6]", Patch(x => x, "d_model"));
        Refused("P returned [1, 6], and its [Shape] says [pos=1, 1]", Patch(x => x.mean([0L]), "pos", "1"));
        Refused("X.P: [d_head] does not broadcast to 'embed[pos=end]', which has [batch, pos, d_model]", Patch(x => x, "d_head"));
        WriteNode fused = WriteNode.Fuse(BuiltInWrites.Scale("embed[pos=end]", 2), Patch(x => x, "d_model").Writes[0]);
        Refused("P returned [2, 1, 6], and its [Shape] says [d_model=6]", Patch(x => x, "d_model") with { Writes = [fused] });
    }

    private static InterventionGraph Patch(Func<Tensor, Tensor> body, params string[] shape) => new()
    {
        Name = "X",
        Writes = [new WriteNode("P", "embed[pos=end]", [new Read.Value()], x => body(x[0])) { Shape = [.. shape] }],
        Captures = [new CaptureNode("Logits", "logits", [new Read.Value()], x => x[0])],
    };

    private static InterventionGraph Declared(Tensor tensor, params string[] axes) => new()
    {
        Name = "X",
        Writes = [BuiltInWrites.Add("D", "embed", tensor, 1)],
        Shapes = [new ShapedTensor("D", tensor, [.. axes])],
    };

    private RunResult Run(InterventionGraph graph, RunOptions? options = null) => InterventionRunner.Run(graph, _model, _prompts, options);

    private void Refused(string message, InterventionGraph graph, RunOptions? options = null) =>
        Assert.Contains(message, Assert.Throws<InterventionException>(() => Run(graph, options)).Message, StringComparison.Ordinal);
}
