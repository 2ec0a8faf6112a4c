using Interventions.ModelGraphs;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Testing.ToyModels;

/// <summary>A small bidirectional model: every position sees all of its prompt, so that it would see padding too. Float64.</summary>
public sealed class ToyEncoder : HookedModel
{
    public const int Layers = 2, Width = 6, Vocabulary = 11;

    public ToyEncoder(Device? device = null)
    {
        Device = device ?? CPU;
        using Generator generator = new(5);
        Tensor embedding = Weight(Vocabulary, Width), unembedding = Weight(Width, Vocabulary), positional = Weight(32, Width);
        ModelGraphBuilder graph = new();
        NodeInput residual = graph.Add("embed", graph.Tokens, graph.Positions, (ids, positions) => embedding[ids] + positional[positions]);
        for (int layer = 0; layer < Layers; layer++)
        {
            Tensor query = Weight(Width, Width), value = Weight(Width, Width);
            string block = $"blocks.{layer}.";
            NodeInput pattern = graph.Add(
                block + "pattern", residual, residual with { Reach = Reach.Full },
                (x, all) => x.matmul(query).matmul(all.transpose(1, 2)).div(3).softmax(-1));
            NodeInput z = graph.Add(
                block + "z", pattern, residual with { Reach = Reach.Full }, (attention, all) => attention.matmul(all.matmul(value)));
            residual = graph.Add(block + "resid", residual, z, (x, y) => (x + y).tanh());
        }
        Graph = graph.Build(graph.Add("logits", residual, x => x.matmul(unembedding)));

        Tensor Weight(params long[] size) => Own(randn(size, dtype: float64, generator: generator).to(Device));
    }

    public override ModelSchema Schema { get; } = new(
        "ToyEncoder",
        EquatableArray.Of(new AxisSize("layer", Layers), new AxisSize("d_model", Width), new AxisSize("vocab", Vocabulary)),
        EquatableArray.Of(
            Site("embed", "batch", "pos", "d_model"),
            Site("blocks.{layer}.pattern", "batch", "query", "key"),
            Site("blocks.{layer}.z", "batch", "pos", "d_model"),
            Site("blocks.{layer}.resid", "batch", "pos", "d_model"),
            Site("logits", "batch", "pos", "vocab")));

    public override ModelGraph Graph { get; }

    public override int? ContextLength => 32;

    public override int VocabularySize => Vocabulary;

    public override Device Device { get; }

    private static SiteDefinition Site(string path, params string[] axes) => new(path, EquatableArray.Of(axes));
}
