using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Execution;

/// <summary>Trained values that begin with zeros, and trained values that nothing reads.</summary>
public sealed class TrainedValueTests : IDisposable
{
    private static readonly MetricNode s_correct = new("Correct", [new Read.Logit("correct", "end")], x => x[0]);

    private readonly ToyModel _model = new();
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly ToyPrompts _prompts = ToyPrompts.Random(4, 4, 3, 4);

    public static TheoryData<bool> Executors => [true, false];

    public void Dispose()
    {
        _scope.Dispose();
        _model.Dispose();
    }

    [Theory]
    [MemberData(nameof(Executors))]
    public void A_trained_value_may_begin_with_zeros(bool naive)
    {
        Tensor zero = zeros(ToyModel.Width, dtype: float64).requires_grad_();
        InterventionGraph untrained =
            new() { Name = "X", Writes = [BuiltInWrites.Add("D", "embed", zero, 1)], Metrics = [s_correct] };
        InterventionGraph trained = untrained with { Parameters = [new ParameterNode("D", zero, null)] };
        using (RunResult run = Run(trained, naive, strict: true))
        {
            Assert.Empty(run.Warnings);
            Assert.True(run.Gradient("D").abs().sum().item<double>() > 0);
        }
        using (RunResult run = Run(untrained, naive))
            Assert.StartsWith("X.D changed nothing", Assert.Single(run.Warnings), StringComparison.Ordinal);
        Assert.Throws<InterventionException>(() => Run(untrained, naive, strict: true));
    }

    [Theory]
    [MemberData(nameof(Executors))]
    public void A_trained_value_that_no_metric_depends_on_is_said_and_strictly_refused(bool naive)
    {
        Tensor value = ones(ToyModel.Width, dtype: float64).requires_grad_();
        InterventionGraph graph = new()
        {
            Name = "X",
            Writes = [BuiltInWrites.Scale("embed", 2)],
            Metrics = [s_correct],
            Parameters = [new ParameterNode("D", value, null)],
        };
        const string Said = "X.D trains nothing: Correct does not depend on it, so its gradient is 0.";
        using (RunResult run = Run(graph, naive))
        {
            Assert.Equal([Said], run.Warnings.AsEnumerable());
            Assert.Equal(0, run.Gradient("D").abs().sum().item<double>());
        }
        Assert.Equal(Said, Assert.Throws<InterventionException>(() => Run(graph, naive, strict: true)).Message);
    }

    private RunResult Run(InterventionGraph graph, bool naive, bool strict = false) =>
        InterventionRunner.Run(graph, _model, _prompts, new RunOptions { Naive = naive, Strict = strict, BatchSize = 2 });
}
