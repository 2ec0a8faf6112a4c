using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Execution;

/// <summary>Several writes to a site as one: the values are those of the writes one after the other.</summary>
public sealed class FusedWritesTests : IDisposable
{
    private static readonly Read s_value = new Read.Value(), s_corrupted = new Read.From("corrupted");

    private readonly ToyModel _model = new();
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        _model.Dispose();
    }

    [Theory]
    [InlineData("blocks.*.z[head=1,2; pos=end]")]
    [InlineData("blocks.{layer}.z[head={head}]")]
    [InlineData("embed")]
    [InlineData("embed[pos=mid,end]")]
    [InlineData("embed[pos=1..-1]")]
    public void Fused_writes_are_the_writes_one_after_the_other(string site)
    {
        // In some of these prompts mid is the end: two selected positions are one token there.
        ToyPrompts prompts = ToyPrompts.Random(3, 4, 3, 3, 5, 2, 2);
        WriteNode[] writes =
        [
            BuiltInWrites.Scale(site, 2),
            new("Mix", site, [s_corrupted, s_value], x => (x[0] * 3) - x[1]),
            BuiltInWrites.Add("Shift", site, full([1L], 0.5, dtype: float64), 1),
            new("Square", site, [s_value], x => x[0] * x[0]),
            new("Elsewhere", site, [new Read.From("clean", "embed[pos=0..-1]"), s_value], x => x[1] + x[0].mean()),
            BuiltInWrites.Mean(site, "corrupted", pooled: true),
            new("Half", site, [s_value, s_corrupted], x => (x[0] + x[1]) / 2),
        ];
        for (int count = 2; count <= writes.Length; count++)
        {
            WriteNode[] some = writes[..count];
            using RunResult apart = Run(prompts, some);
            using RunResult fused = Run(prompts, WriteNode.Fuse(some));
            foreach (string name in new[] { "logits", "embed" })
                Assert.InRange((apart.Changed(name).Values - fused.Changed(name).Values).abs().max().item<double>(), 0, 1e-9);
            Assert.True((fused.Changed("logits").Values - fused.Run("clean")["logits"]).abs().max().item<double>() > 1e-3);
        }
    }

    [Fact]
    public void A_fused_write_keeps_every_declared_write()
    {
        WriteNode first = BuiltInWrites.Zero("embed");
        WriteNode second = BuiltInWrites.Scale("embed", 2);
        WriteNode third = new("Own", "embed", [s_corrupted], x => x[0]);
        WriteNode fused = WriteNode.Fuse(WriteNode.Fuse(first, second), third);
        Assert.Equal([first, second, third], fused.Declared);
        Assert.Equal([first], first.Declared);
        Assert.Equal("Zero, Scale, Own", fused.Name);
        Assert.Equal([s_value, s_corrupted], fused.Reads.AsEnumerable());
    }

    [Fact]
    public void Only_writes_to_one_place_can_be_one()
    {
        Assert.Throws<ArgumentException>(() => WriteNode.Fuse(BuiltInWrites.Zero("embed")));
        Assert.Throws<ArgumentException>(() => WriteNode.Fuse(BuiltInWrites.Zero("embed"), BuiltInWrites.Zero("embed[pos=end]")));
        Assert.Throws<ArgumentException>(() => WriteNode.Fuse(BuiltInWrites.Zero("embed"), BuiltInWrites.Zero("embed", "direct")));
    }

    [Fact]
    public void A_part_that_returns_a_wrong_shape_or_nothing_is_named()
    {
        ToyPrompts prompts = ToyPrompts.Random(2, 3);
        Assert.Contains("Bad returned [7]", Message(new("Bad", "embed", [], _ => zeros(7, dtype: float64))), StringComparison.Ordinal);
        Assert.Contains("Nothing returned null", Message(new("Nothing", "embed", [], _ => null!)), StringComparison.Ordinal);

        string Message(WriteNode wrong) =>
            Assert.Throws<InterventionException>(() => Run(prompts, WriteNode.Fuse(wrong, BuiltInWrites.Zero("embed")))).Message;
    }

    private RunResult Run(ToyPrompts prompts, params WriteNode[] writes) => InterventionRunner.Run(
        new InterventionGraph { Name = "Fused", Writes = [.. writes], Captures = [Capture("logits"), Capture("embed")] }, _model, prompts);

    private static CaptureNode Capture(string site) => new(site, site, [s_value], x => x[0]);
}
