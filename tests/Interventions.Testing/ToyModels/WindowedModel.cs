using Interventions.ModelGraphs;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Testing.ToyModels;

/// <summary>Two layers that add up what stands at the last three positions, each computed position by position. Float64.</summary>
public sealed class WindowedModel : HookedModel
{
    public const int Layers = 2, Width = 4, Vocabulary = 7, Window = 3;

    public WindowedModel(Device? device = null)
    {
        Device = device ?? CPU;
        using Generator generator = new(6);
        Tensor embedding = Weight(Vocabulary, Width), unembedding = Weight(Width, Vocabulary);
        ModelGraphBuilder graph = new();
        NodeInput residual = graph.Add("embed", graph.Tokens, ids => embedding[ids]);
        for (int layer = 0; layer < Layers; layer++)
        {
            Tensor weight = Weight(Width, Width);
            NodeInput seen = residual with { Reach = Reach.Windowed(Window) };
            NodeInput sum = graph.Add($"blocks.{layer}.sum", new Definition(
                [residual, seen], x => Sum(weight, [x[0]], [new HistoryPiece([x[1]], Outside(x[1].shape[1]))]))
            {
                Piecewise = new Piecewise([residual.Node], [seen], (own, pieces) => Sum(weight, own, pieces)),
            });
            residual = graph.Add($"blocks.{layer}.resid", residual, sum, (x, y) => (x + y).tanh());
        }
        Graph = graph.Build(graph.Add("logits", residual, x => x.matmul(unembedding)));

        Tensor Outside(long length)
        {
            Tensor at = arange(length, device: Device), distance = at.unsqueeze(1) - at;
            return distance.ge(Window) | distance.lt(0);
        }

        Tensor Weight(params long[] size) => Own(randn(size, dtype: float64, generator: generator).to(Device));
    }

    public override ModelSchema Schema { get; } = new(
        "WindowedModel",
        EquatableArray.Of(new AxisSize("layer", Layers), new AxisSize("d_model", Width), new AxisSize("vocab", Vocabulary)),
        EquatableArray.Of(
            Site("embed", "batch", "pos", "d_model"),
            Site("blocks.{layer}.sum", "batch", "pos", "d_model"),
            Site("blocks.{layer}.resid", "batch", "pos", "d_model"),
            Site("logits", "batch", "pos", "vocab")));

    public override ModelGraph Graph { get; }

    public override int? ContextLength => 32;

    public override int VocabularySize => Vocabulary;

    public override Device Device { get; }

    /// <summary>The own position's projection, and all that it sees.</summary>
    private static Tensor Sum(Tensor weight, ReadOnlySpan<Tensor> own, ReadOnlySpan<HistoryPiece> pieces)
    {
        Tensor sum = own[0].matmul(weight);
        foreach (HistoryPiece piece in pieces)
        {
            Tensor history = piece.Inputs[0];
            Tensor seen = piece.Hidden is { } hidden
                ? 1 - hidden.to_type(float64)
                : ones(own[0].shape[1], history.shape[1], dtype: float64, device: history.device);
            sum = sum + seen.matmul(history).repeat(own[0].shape[0] / history.shape[0], 1, 1);
        }
        return sum;
    }

    private static SiteDefinition Site(string path, params string[] axes) => new(path, EquatableArray.Of(axes));
}
