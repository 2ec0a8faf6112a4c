using Interventions.ModelGraphs;
using Interventions.Models.Decoder;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Models.Tests.Decoder;

/// <summary>Mixtures of experts: what is chosen is what counts, and one expert can be selected.</summary>
public sealed class ExpertTests
{
    private static readonly Read s_value = new Read.Value();

    [Fact]
    public void An_expert_that_no_token_chose_does_not_count()
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = SmallDecoders.Model("mixtral");
        Tensor ids = SmallDecoders.Prompts(), ordinary = model.Forward(ids);
        Tensor chosen = SmallDecoders.Read(model, ids, "blocks.1.mlp.router_indices");
        for (int expert = 0; expert < 4; expert++)
        {
            Tensor uses = chosen.eq(expert).any(-1);
            int number = expert;
            Tensor written = SmallDecoders.Read(model, ids, "blocks.1.mlp_out", ("blocks.1.mlp.experts.post", x => Zeroed(x, number)));
            Tensor moved = (written - SmallDecoders.Read(model, ids, "blocks.1.mlp_out")).abs().amax(-1).gt(1e-9);
            Assert.True(SmallDecoders.Same(moved, uses));
            Assert.True(Distance.Largest(SmallDecoders.Read(model, ids, "logits", ("blocks.1.mlp.experts.post", x => x)), ordinary) < 1e-9);
        }
    }

    [Fact]
    public void Forced_indices_choose_the_experts_and_their_probabilities()
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = SmallDecoders.Model("qwen3_moe");
        Tensor ids = SmallDecoders.Prompts();
        Tensor forced = tensor(new long[] { 3, 0 });
        Dictionary<string, Tensor> values = GraphEvaluator.Evaluate(
            model.Graph, ids, ["blocks.0.mlp.router_probs", "blocks.0.mlp.router_weights", "blocks.0.mlp.experts.post", "blocks.0.mlp_out"],
            new Dictionary<string, Func<Tensor, Tensor>> { ["blocks.0.mlp.router_indices"] = x => forced.expand(x.shape) });
        Tensor weights = values["blocks.0.mlp.router_probs"].index_select(-1, forced);
        Assert.True(Distance.Largest(values["blocks.0.mlp.router_weights"], weights) < 1e-12);
        Tensor down = model.Weights["blocks.0.mlp.experts.out.weight"], post = values["blocks.0.mlp.experts.post"];
        Tensor expected = (weights[.., .., 0].unsqueeze(-1) * post[.., .., 3].matmul(down[3].t()))
            + (weights[.., .., 1].unsqueeze(-1) * post[.., .., 0].matmul(down[0].t()));
        Assert.True(Distance.Largest(values["blocks.0.mlp_out"], expected) < 1e-9);
    }

    [Fact]
    public void One_expert_is_swept_and_whole_numbers_stay_whole()
    {
        using DecoderModel model = SmallDecoders.Model("mixtral");
        RandomPrompts prompts = RandomPrompts.Of(3, 61, 6, 6);
        InterventionGraph graph = new()
        {
            Name = "Experts",
            Writes = [new("Off", "blocks.1.mlp.experts.post[expert={expert}]", new WriteKind.Zero())],
            Captures = [new("Chosen", "blocks.*.mlp.router_indices[pos=end]", [s_value], x => x[0])],
            Metrics = [new("M", [new Read.Logit("right", "end")], x => x[0])],
        };
        using RunResult run = InterventionRunner.Run(graph, model, prompts);
        Assert.Equal([4L, 2L], run.Changed("M").Values.shape);
        Assert.Equal(ScalarType.Int64, run.Changed("Chosen").Values.dtype);

        Refused("leaves Float32 at 'blocks.0.mlp.router_indices', which holds whole numbers", graph with
        {
            Writes = [new("Half", "blocks.0.mlp.router_indices", [s_value], x => x[0] * 0.5)],
        });
        Refused("'blocks.0.mlp.router_indices' holds whole numbers, which have no gradient", graph with
        {
            Writes = [],
            Gradients = [new("Slope", "blocks.0.mlp.router_indices", [new Read.Gradient()], x => x[0])],
        });

        void Refused(string message, InterventionGraph wrong) => Assert.Contains(
            message, Assert.Throws<InterventionException>(() => InterventionRunner.Run(wrong, model, prompts)).Message,
            StringComparison.Ordinal);
    }

    private static Tensor Zeroed(Tensor x, int expert)
    {
        Tensor changed = x.clone();
        changed[.., .., expert] = 0.0;
        return changed;
    }
}
