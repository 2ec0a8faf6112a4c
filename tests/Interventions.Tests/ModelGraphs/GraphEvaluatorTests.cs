using Interventions.ModelGraphs;
using static TorchSharp.torch;

namespace Interventions.Tests.ModelGraphs;

/// <summary>The evaluator of model graphs.</summary>
public sealed class GraphEvaluatorTests
{
    [Fact]
    public void A_node_may_pass_a_weight_through_and_the_run_leaves_it_alive()
    {
        using Tensor weight = ones(3).DetachFromDisposeScope();
        ModelGraphBuilder builder = new();
        NodeInput passed = builder.Add("weight", builder.Tokens, _ => weight);
        ModelGraph graph = builder.Build(builder.Add("logits", passed, x => x * 2));
        for (int i = 0; i < 2; i++)
            GraphEvaluator.Evaluate(graph, zeros(1, 2, dtype: int64), ["logits"])["logits"].Dispose();
        Assert.False(weight.IsInvalid);
    }
}
