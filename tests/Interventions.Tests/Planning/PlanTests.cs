using static TorchSharp.torch;

namespace Interventions.Tests.Planning;

/// <summary>Random interventions on a model that is not a decoder: the plan gives what the naive run gives.</summary>
public sealed class PlanTests
{
    [Fact]
    public void The_plan_is_the_naive_run()
    {
        using ToyModel model = new(), meta = new(device: META);
        PlanOracle.Check(model, meta, cases: 600);
    }

    [Fact, Trait("Duration", "long")]
    public void The_plan_is_the_naive_run_of_many_more()
    {
        using ToyModel model = new(), meta = new(device: META);
        PlanOracle.Check(model, meta, cases: 5000);
    }

    [Theory]
    [InlineData(2160)]
    [InlineData(3569)]
    public void Cases_that_once_differed_agree(int seed)
    {
        using ToyModel model = new(), meta = new(device: META);
        PlanOracle.CheckOne(model, meta, seed);
    }

    [Fact]
    public void Batches_and_budgets_change_nothing()
    {
        using ToyModel model = new(), meta = new(device: META);
        PlanOracle.Check(
            model, meta, cases: 300, seed => new RunOptions { BatchSize = 1 + (seed % 3), MemoryBudget = 40_000 + (10_000 * (seed % 7)) });
    }

    [Fact]
    public void The_plan_is_the_naive_run_of_a_model_that_looks_ahead()
    {
        using ToyEncoder model = new(), meta = new(META);
        PlanOracle.Check(model, meta, cases: 300);
        PlanOracle.Check(model, meta, cases: 100, seed => new RunOptions { BatchSize = 1 + (seed % 3) });
    }

    [Fact]
    public void The_plan_is_the_naive_run_of_a_model_that_sees_a_window()
    {
        using WindowedModel model = new(), meta = new(META);
        PlanOracle.Check(model, meta, cases: 300);
    }

    [Fact]
    public void Strictly_it_is_the_naive_run_too()
    {
        using ToyModel model = new();
        PlanOracle.CheckStrict(model, cases: 150);
    }

    [Fact]
    public void Gradients_are_slopes_at_every_site()
    {
        using ToyModel causal = new(), causalMeta = new(device: META);
        GradientOracle.Check(causal, causalMeta);
        using ToyEncoder encoder = new(), encoderMeta = new(META);
        GradientOracle.Check(encoder, encoderMeta);
        using WindowedModel windowed = new(), windowedMeta = new(META);
        GradientOracle.Check(windowed, windowedMeta);
    }
}
