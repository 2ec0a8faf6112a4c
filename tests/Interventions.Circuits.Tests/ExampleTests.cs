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
        // Values and mixed values enter the logits nearly linearly, queries and keys through a softmax that AtP* computes.
        foreach (NodeKind kind in (NodeKind[])[NodeKind.Query, NodeKind.Key])
            Assert.True(found.Error(found.Star, kind) < found.Error(found.Plain, kind), $"{kind}");
        Assert.True(found.Found(found.Star) >= found.Found(found.Plain));
        Assert.All($"{found}".Split('\n'), line => Assert.InRange(line.Length, 0, 80));
    }
}
