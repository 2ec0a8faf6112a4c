using Interventions.ModelGraphs;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Testing.ToyModels;

/// <summary>
/// A test on a toy model: runs, forward passes by hand, and comparisons. The model and the test's tensors are freed at its end.
/// </summary>
public abstract class ToyTest : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    protected static Read Value { get; } = new Read.Value();

    protected static Read Corrupted { get; } = new Read.From("corrupted");

    protected static MetricNode LogitDifference { get; } = new(
        "LogitDifference", [new Read.Logit("correct", "end"), new Read.Logit("wrong", "end")], x => x[0] - x[1]);

    protected ToyModel Model { get; } = new();

    public virtual void Dispose()
    {
        _scope.Dispose();
        Model.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Overwrites the clean run's values with the corrupted run's.</summary>
    protected static WriteNode Patch(string site) => new("Patch", site, [Value, Corrupted], x => x[1]);

    /// <summary>Keeps the values of a site under its path.</summary>
    protected static CaptureNode Capture(string site) => Capture(site, site);

    /// <summary>Keeps the values of a site.</summary>
    protected static CaptureNode Capture(string name, string site) => new(name, site, [Value], x => x[0]);

    protected RunResult Run(InterventionGraph graph, IPromptSet prompts, RunOptions? options = null) =>
        InterventionRunner.Run(graph, Model, prompts, options);

    /// <summary>The logits of a run's tokens.</summary>
    protected Tensor Forward(ToyPrompts prompts, int run) => Values(prompts, run, "logits");

    /// <summary>A value of a forward pass over a run's tokens, with values of some nodes replaced.</summary>
    protected Tensor Values(ToyPrompts prompts, int run, string site, params (string Site, Func<Tensor, Tensor> Write)[] writes)
    {
        Tensor tokens = stack(prompts.Prompts.Select(prompt => tensor(prompt.Runs[run].Ids.ToArray())));
        return GraphEvaluator.Evaluate(Model.Graph, tokens, [site], writes.ToDictionary(write => write.Site, write => write.Write))[site];
    }

    /// <summary>Asserts that two values have one shape, and differ by 1e-9 at most.</summary>
    protected static void Close(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        double worst = (expected - actual).abs().max().item<double>();
        Assert.True(worst <= 1e-9, $"differs by {worst}");
    }

    /// <summary>Asserts that a run is refused in words that contain a text.</summary>
    protected static void Says(string text, Action run) => Assert.Contains(text, Assert.Throws<InterventionException>(run).Message);
}
