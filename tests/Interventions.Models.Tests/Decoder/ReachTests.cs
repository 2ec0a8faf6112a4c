using Interventions.ModelGraphs;
using Interventions.Models.Decoder;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Models.Tests.Decoder;

/// <summary>Every node keeps what its inputs' reaches promise, so that an engine may compute some positions only.</summary>
public sealed class ReachTests
{
    public static TheoryData<string, int?> Models => new() { { "gpt2", null }, { "llama", null }, { "llama", 4 } };

    [Theory]
    [MemberData(nameof(Models))]
    public void Some_positions_of_a_node_need_some_positions_of_its_pointwise_inputs(string family, int? window)
    {
        using DisposeScope scope = NewDisposeScope();
        DecoderConfig config = (family == "gpt2" ? SmallDecoders.Gpt2Config : SmallDecoders.LlamaConfig) with { Window = window };
        using DecoderModel model = DecoderModel.Random(config, dtype: ScalarType.Float64);
        Tensor ids = SmallDecoders.Prompts(), rows = tensor(new long[] { 2, 5, 8 });
        Dictionary<string, Tensor> values = GraphEvaluator.Evaluate(model.Graph, ids, model.Graph.Nodes.Select(node => node.Name));
        values[ModelGraph.Tokens] = ids;
        values[ModelGraph.Positions] = arange(9).unsqueeze(0).expand(ids.shape);

        foreach (ModelNode node in model.Graph.Nodes)
        {
            foreach (Definition definition in node.Detours.Select(detour => detour.Definition).Prepend(node.Definition))
            {
                Tensor Input(NodeInput input) =>
                    input.Reach == Reach.Pointwise ? Rows(input.Node, values[input.Node], rows) : values[input.Node];
                Tensor[] inputs = [.. definition.Inputs.Select(Input)];
                Tensor some = definition.Compute(inputs), expected = Rows(node.Name, values[node.Name], rows);
                // With grouped queries a port gives every query head its own keys and values.
                if (some.shape.Length == 4 && expected.shape.Length == 4 && some.shape[2] == 2 * expected.shape[2])
                    expected = expected.repeat_interleave(2, 2);
                Assert.True(Distance.Largest(some, expected) < 1e-9, node.Name);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Windows_limit_what_is_seen(string family, int? window)
    {
        using DisposeScope scope = NewDisposeScope();
        DecoderConfig config = (family == "gpt2" ? SmallDecoders.Gpt2Config : SmallDecoders.LlamaConfig) with { Window = window };
        using DecoderModel model = DecoderModel.Random(config);
        Tensor seen = SmallDecoders.Read(model, SmallDecoders.Prompts(), "blocks.0.attn.pattern")[0, 0].gt(0);
        Assert.True(
            SmallDecoders.Same(seen, ones(9, 9, ScalarType.Bool).tril().logical_and(ones(9, 9, ScalarType.Bool).triu(1 - (window ?? 9)))));
        Reach reach = model.Graph["blocks.0.attn.pattern"].Definition.Inputs[1].Reach;
        Assert.Equal(window is { } w ? Reach.Windowed(w) : Reach.Causal, reach);
    }

    private static Tensor Rows(string name, Tensor value, Tensor rows) => value.index_select(IsByQuery(name) ? 2 : 1, rows);

    private static bool IsByQuery(string name) =>
        name.StartsWith("mask", StringComparison.Ordinal) || name.EndsWith("attn.scores", StringComparison.Ordinal) ||
        name.EndsWith("attn.pattern", StringComparison.Ordinal);
}
