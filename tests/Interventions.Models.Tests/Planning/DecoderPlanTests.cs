using Interventions.Execution;
using Interventions.Graphs;
using Interventions.Models.Decoder;
using Interventions.Models.Tests.Decoder;
using Interventions.Models.Tests.Reference;
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

    [Fact]
    public void A_shared_row_is_no_copy_of_itself_where_the_runs_name_other_keys()
    {
        using DecoderModel model = Examples.Model("gpt2");
        RandomPrompts prompts = new([new PromptTokens([new([1, 2, 3, 4, 5], [0, 4]), new([1, 2, 3, 4, 6], [1, 4]), new([1, 2, 3, 4, 7], [0, 4])], [8, 9])]);
        InterventionGraph graph = new()
        {
            Name = "Keys",
            Writes = [new WriteNode("Write", "blocks.1.attn.pattern[query=2; key=mid]", new WriteKind.Copy("corrupted"))],
            Captures = [new CaptureNode("Z", "blocks.1.attn.z[pos=2]", [new Read.Value()], x => x[0])],
        };
        using RunOutput naive = InterventionRunner.Run(graph, model, prompts, new RunOptions { Naive = true }), planned = InterventionRunner.Run(graph, model, prompts);
        Assert.True(Distance.Largest(naive.Run("clean")["Z"], naive.Changed("Z").Values) > 1e-3);
        Assert.True(Distance.Largest(planned.Changed("Z").Values, naive.Changed("Z").Values) < 1e-9);
        Assert.Equal(naive.Effects[0].Changed, planned.Effects[0].Changed);
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Gradients_are_slopes_at_every_site_and_port(string family, int? window)
    {
        using DecoderModel model = Examples.Model(family, window: window);
        GradientOracle.Check(model);
    }
}
