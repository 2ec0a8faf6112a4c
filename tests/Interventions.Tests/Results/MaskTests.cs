using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Results;

/// <summary>Padding of what is kept of prompts of different lengths: it is zero, masked, and in no mean.</summary>
public sealed class MaskTests : IDisposable
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
    [InlineData(2)]
    [InlineData(32)]
    public void A_ragged_capture_has_a_mask(int batchSize)
    {
        int[] lengths = [4, 2, 3];
        using RunResult run = Run(ToyPrompts.Random(41, lengths), batchSize);
        Tensor mask = run.Changed("Heads").Mask!;
        Assert.Equal(ScalarType.Bool, mask.dtype);
        Assert.Equal([3L, 4, 1, 1], mask.shape);
        for (int row = 0; row < 3; row++)
            for (int pos = 0; pos < 4; pos++)
                Assert.Equal(pos < lengths[row], mask[row, pos, 0, 0].item<bool>());
        // It broadcasts over layers and points; where it is false there are zeros.
        foreach (Tensor values in new[] { run.Changed("Heads").Values, run.Run("corrupted")["Heads"] })
            Assert.Equal(0, values.masked_select(mask.logical_not().expand(values.shape)).abs().sum().item<double>());
        Assert.Equal([3L, 1], run.Changed("Summed").Mask!.shape);
        Assert.True(run.Changed("Summed").Mask!.all().item<bool>());
        Assert.Equal([3L, 4], run.Changed("Gradient").Mask!.shape);
        Assert.Null(run.Changed("Total").Mask);
    }

    [Fact]
    public void Means_of_points_leave_padding_out()
    {
        ToyPrompts prompts = ToyPrompts.Random(42, 4, 2, 3);
        using RunResult run = Run(prompts, 32);
        RunResult[] alone = [.. Enumerable.Range(0, 3).Select(row => Run(prompts.Only(row), 32))];
        foreach (string name in new[] { "Heads", "Gradient", "Total" })
        {
            IReadOnlyList<SweptPoint> points = run.Changed(name).Points();
            for (int head = 0; head < ToyModel.Heads; head++)
            {
                Tensor real = cat([.. alone.Select(one => one.Changed(name).At(head).flatten())]);
                Tensor unchanged = cat([.. alone.Select(one => one.Run("clean")[name].flatten())]);
                Assert.Equal(real.mean().item<double>(), points[head].Value, 1e-9);
                Assert.Equal((real.mean() - unchanged.mean()).item<double>(), points[head].Change, 1e-9);
            }
        }
        foreach (RunResult one in alone)
            one.Dispose();
    }

    private RunResult Run(ToyPrompts prompts, int batchSize) => InterventionRunner.Run(
        new()
        {
            Name = "Ragged",
            Writes = [BuiltInWrites.Zero("blocks.0.z[head={head}]")],
            Captures = [new("Heads", "blocks.*.z", [new Read.Value()], x => x[0]), new(
                "Summed", "embed", [new Read.Value()], x => x[0].sum([1L]).sum([1L], keepdim: true))],
            Gradients = [new("Gradient", "blocks.0.z", [new Read.Gradient()], x => x[0].pow(2).flatten(2).sum([2L]))],
            Metrics = [new("Total", [new Read.Logits("end")], x => x[0].sum([1L]))],
        },
        _model, prompts, new RunOptions { BatchSize = batchSize });
}
