extern alias AttributionPatching;

using AttributionPatching::Interventions.Examples.AttributionPatching;
using Interventions.Models.Decoder;

namespace Interventions.Circuits.Tests;

/// <summary>The examples run, and find what is there.</summary>
public sealed class ExampleTests
{
    [Fact]
    public void The_mended_attribution_is_nearer_to_patching()
    {
        using DecoderModel model = DecoderModel.Load(Path.Combine(AppContext.BaseDirectory, "model"));
        Comparison found = Comparison.Of(model, prompts: 8);
        foreach (NodeKind kind in (NodeKind[])[NodeKind.Query, NodeKind.Key])
            Assert.True(found.Error(found.Mended, kind) < found.Error(found.Plain, kind), $"{kind}");
        Assert.InRange(found.Found(found.Star), 0.5, 1);
        Assert.All($"{found}".Split('\n'), line => Assert.InRange(line.Length, 0, 80));
    }
}
