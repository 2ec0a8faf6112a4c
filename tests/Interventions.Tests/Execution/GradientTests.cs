using Interventions.Runtime;
using static TorchSharp.torch;

namespace Interventions.Tests.Execution;

/// <summary>Gradients of sites and of parameters against finite differences.</summary>
public sealed class GradientTests : ToyTest
{
    [Theory]
    [InlineData("embed[pos=0]")]
    [InlineData("blocks.0.z[head=1]")]
    [InlineData("blocks.0.result[head=2; pos=mid]")]
    [InlineData("blocks.1.out")]
    public void Gradients_are_finite_differences_in_every_run(string site)
    {
        ToyPrompts prompts = ToyPrompts.Random(9, 4, 3);
        WriteNode patch = new("Patch", "blocks.0.z[head=0]", [new Read.Value(), new Read.From("corrupted")], x => (x[0] + x[1]) / 2);
        InterventionGraph graph = new()
        {
            Name = "Gradient",
            Writes = [patch],
            Gradients = [new("Gradient", site, [new Read.Gradient()], x => x[0]), new(
                "Product", site, [new Read.Gradient(), new Read.Value()], x => (x[0] * x[1]).flatten(1).sum(-1))],
            Metrics = [LogitDifference],
        };
        using RunResult run = Run(graph, prompts);
        using RunResult values = Run(graph with { Gradients = [], Captures = [Capture(site)] }, prompts);
        Tensor gradient = run.Changed("Gradient").Values;
        Close((gradient * values.Changed(site).Values).flatten(1).sum(-1), run.Changed("Product").Values);

        // Along a random direction, added to the site after every other write.
        Tensor direction = randn_like(gradient) * gradient.ne(0).to(float64);
        const double Step = 1e-5;
        Tensor difference = (Moved(Step) - Moved(-Step)) / (2 * Step);
        Tensor expected = (gradient * direction).flatten(1).sum(-1);
        Assert.InRange((difference - expected).abs().max().item<double>(), 0, 1e-6 * (1 + expected.abs().max().item<double>()));
        Assert.True(run.Run("corrupted")["Gradient"].abs().max().item<double>() > 0);

        Tensor Moved(double step)
        {
            // Prompts one by one, so that the direction's padding never matters.
            return cat([.. Enumerable.Range(0, 2).Select(row =>
            {
                WriteNode move = new("Move", site, [new Read.Value()], x =>
                {
                    Tensor own = direction.narrow(0, row, 1);
                    for (int axis = 1; axis < own.shape.Length; axis++)
                        own = own.narrow(axis, 0, x[0].shape[axis]);
                    return x[0] + (own * step);
                });
                using RunResult moved = Run(graph with { Gradients = [], Writes = [patch, move] }, prompts.Only(row));
                return moved.Changed("LogitDifference").Values.clone();
            })]);
        }
    }

    [Fact]
    public void A_parameters_gradient_is_summed_over_prompts_while_the_model_stays_frozen()
    {
        ToyPrompts prompts = ToyPrompts.Random(10, 4, 3, 5);
        using Generator generator = new(13);
        Tensor mask = rand(ToyModel.Heads, dtype: float64, generator: generator).requires_grad_();
        InterventionGraph Graph(Tensor values) => new()
        {
            Name = "Mask",
            Writes = [new(
                "Mix", "blocks.*.z", [new Read.Value(), new Read.From("corrupted")], x => x[0] + (values.view(-1, 1) * (x[1] - x[0])))],
            Metrics = [LogitDifference],
            Parameters = values.requires_grad ? [new("Mask", values)] : [],
        };
        using RunResult run = Run(Graph(mask), prompts, new RunOptions { BatchSize = 2 });
        Tensor gradient = run.Gradient("Mask");
        for (int head = 0; head < ToyModel.Heads; head++)
        {
            double difference = Differences.Central(step => Total(head, step));
            Assert.Equal(difference, gradient[head].item<double>(), 1e-7 * (1 + Math.Abs(difference)));
        }
        Assert.False(gradient.requires_grad);
        Assert.True(mask.grad is null);
        Assert.Contains(
            "requires_grad_()",
            Assert.Throws<InterventionException>(() => Run(Graph(mask) with { Parameters = [new("Mask", mask.detach())] }, prompts))
                .Message);

        double Total(int head, double step)
        {
            Tensor moved = mask.detach().clone();
            moved[head] = moved[head] + step;
            using RunResult output = Run(Graph(moved), prompts);
            return output.Changed("LogitDifference").Values.sum().item<double>();
        }
    }

    [Fact]
    public void A_parameter_that_only_the_metric_reads_has_a_gradient()
    {
        ToyPrompts prompts = ToyPrompts.Random(12, 4, 3);
        Tensor scale = ones(1, dtype: float64).requires_grad_();
        InterventionGraph graph = new()
        {
            Name = "Probe",
            Metrics = [new("Scaled", [new Read.Logit("correct", "end")], x => x[0] * scale)],
            Parameters = [new("Scale", scale)],
        };
        using RunResult run = Run(graph, prompts);
        Close(run.Changed("Scaled").Values.sum().view(1), run.Gradient("Scale"));
    }
}
