using Interventions.Tests.Execution;

namespace Interventions.Tests.Planning;

/// <summary>Random interventions on a model that is not a decoder: the plan gives what the naive run gives.</summary>
public sealed class PlanTests
{
    [Fact]
    public void The_plan_is_the_naive_run()
    {
        using ToyModel model = new();
        PlanOracle.Check(model, cases: 600);
    }
}
