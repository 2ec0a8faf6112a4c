using Interventions.ModelGraphs;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Binding;

/// <summary>The order of a model's sites is the order of its graph: the compiler believes it, so a run checks it once.</summary>
public sealed class SchemaCheckTests : IDisposable
{
    private static readonly InterventionGraph s_graph =
        new() { Name = "X", Captures = [new CaptureNode("C", "logits", [new Read.Value()], x => x[0])] };

    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Theory]
    [InlineData(
        "Mine computes 'blocks.0.b' from 'blocks.0.a', which its [Site] attributes list after it: list the sites in the order of "
            + "computation.",
        "embed", "blocks.{layer}.b", "blocks.{layer}.a", "logits")]
    [InlineData(
        "computes 'blocks.0.a' from 'embed', which its [Site] attributes list after it", "blocks.{layer}.a", "blocks.{layer}.b", "embed", "logits")]
    [InlineData(
        "computes 'blocks.0.b' from 'blocks.0.a', which its [Site] attributes list in the same step (SameStep)",
        "embed", "blocks.{layer}.a", "=blocks.{layer}.b", "logits")]
    // Through a node that is no site.
    [InlineData("computes 'logits' from 'blocks.1.b', which", "embed", "logits", "blocks.{layer}.a", "blocks.{layer}.b")]
    public void Sites_in_another_order_are_refused(string message, params string[] sites)
    {
        using Model model = new(sites);
        InterventionException refusal = Assert.Throws<InterventionException>(() => InterventionRunner.Run(s_graph, model, Prompts()));
        Assert.Contains(message, refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("embed", "blocks.{layer}.a", "blocks.{layer}.b", "logits")]
    [InlineData("embed", "blocks.{layer}.b", "logits")]
    // A site that the graph lacks is a matter of those who name it.
    [InlineData("embed", "blocks.{layer}.a", "blocks.{layer}.later", "logits")]
    [InlineData("logits")]
    public void Sites_in_the_order_of_the_graph_run(params string[] sites)
    {
        using Model model = new(sites);
        InterventionRunner.Run(s_graph, model, Prompts()).Dispose();
        InterventionRunner.Run(s_graph, model, Prompts()).Dispose();
    }

    private static ToyPrompts Prompts() => ToyPrompts.Random(4, 4);

    /// <summary>Two layers: a is twice the residual, b one more, and what is added to it lies in a node without a site.</summary>
    private sealed class Model : HookedModel
    {
        public Model(string[] sites)
        {
            ModelGraphBuilder graph = new();
            NodeInput residual = graph.Add("embed", graph.Tokens, ids => ids.unsqueeze(-1).to(float64).expand(-1, -1, ToyModel.Vocabulary));
            for (int layer = 0; layer < 2; layer++)
            {
                NodeInput a = graph.Add($"blocks.{layer}.a", residual, x => x + x);
                NodeInput b = graph.Add($"blocks.{layer}.b", a, x => x.abs());
                residual = graph.Add($"sum.{layer}", b, x => x + x);
            }
            Graph = graph.Build(graph.Add("logits", residual, x => x.abs()));
            Schema = new ModelSchema(
                "Mine", EquatableArray.Of(new AxisSize("layer", 2), new AxisSize("vocab", ToyModel.Vocabulary)),
                sites.Select(site => new SiteDefinition(site.TrimStart('='), EquatableArray.Of("batch", "pos", "vocab"))
                {
                    SameStep = site[0] == '=',
                }).ToEquatableArray());
        }

        public override ModelSchema Schema { get; }

        public override ModelGraph Graph { get; }
    }
}
