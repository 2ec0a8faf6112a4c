using Interventions.Models.Decoder;
using Interventions.Models.Tests.Decoder;
using Interventions.Tests;
using static TorchSharp.torch;

namespace Interventions.Models.Tests.Planning;

/// <summary>Random interventions on small random decoders: the plan gives what the naive run gives.</summary>
public sealed class DecoderPlanTests
{
    public static TheoryData<string, int?> Models => new() { { "gpt2", null }, { "llama", null }, { "llama", 3 } };

    [Theory]
    [MemberData(nameof(Models))]
    public void The_plan_is_the_naive_run(string family, int? window)
    {
        DecoderConfig config = (family == "gpt2" ? Examples.Gpt2Config : Examples.LlamaConfig) with { Window = window };
        using DecoderModel model = DecoderModel.Random(config, seed: 3, dtype: ScalarType.Float64);
        PlanOracle.Check(model, cases: 500);
        PlanOracle.Check(model, cases: 100, seed => new RunOptions { BatchSize = 1 + (seed % 3), MemoryBudget = 600_000 + (100_000 * (seed % 5)) });
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Gradients_are_slopes_at_every_site_and_port(string family, int? window)
    {
        using DecoderModel model = Examples.Model(family, window: window);
        GradientOracle.Check(model);
    }
}
