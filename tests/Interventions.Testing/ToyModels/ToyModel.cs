using Interventions.ModelGraphs;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Testing.ToyModels;

/// <summary>
/// A small causal model written directly against the graph: two layers, each adds a weighted running mean of every head's values, then a
/// nonlinear step. Everything is float64, and nothing of the decoder is used.
/// </summary>
public class ToyModel : HookedModel
{
    public const int Layers = 2, Heads = 3, HeadSize = 4, Width = 6, Vocabulary = 11;

    private readonly List<Tensor> _weights = [];

    public ToyModel(int seed = 1, Device? device = null)
    {
        Device = device ?? CPU;
        using Generator generator = new((ulong)seed);
        Tensor embedding = Weight(Vocabulary, Width), unembedding = Weight(Width, Vocabulary), positional = Weight(32, Width);
        ModelGraphBuilder graph = new();
        NodeInput residual = graph.Add("embed", graph.Tokens, graph.Positions, (ids, positions) =>
        {
            Passes++;
            return embedding[ids] + positional[positions];
        });
        for (int layer = 0; layer < Layers; layer++)
        {
            Tensor values = Weight(Width, Heads * HeadSize), output = Weight(Heads * HeadSize, Width), mix = Weight(Width, Width);
            string block = $"blocks.{layer}.";
            NodeInput z = graph.Add(block + "z", residual with { Reach = Reach.Causal }, x =>
            {
                Tensor at = arange(x.shape[1], device: x.device), seen = at.unsqueeze(1).ge(at).to(float64);
                return (seen / seen.sum(1, keepdim: true)).matmul(x.matmul(values)).view(x.shape[0], x.shape[1], Heads, HeadSize);
            });
            NodeInput result = graph.Add(block + "result", z, x => x.unsqueeze(-2).matmul(output.view(Heads, HeadSize, Width)).squeeze(-2));
            NodeInput written = graph.Add(
                block + "out", z, x => x.flatten(2).matmul(output),
                new Detour(block + "result", new Definition([result], x => x[0].sum(2))));
            residual = graph.Add(block + "resid", residual, written, (x, y) => x + y + (x + y).matmul(mix).tanh());
        }
        Graph = graph.Build(graph.Add("logits", residual, x => x.matmul(unembedding)));

        Tensor Weight(params long[] size)
        {
            Tensor weight = Own(randn(size, dtype: float64, generator: generator).to(Device));
            _weights.Add(weight);
            return weight;
        }
    }

    public override ModelSchema Schema { get; } = new(
        "ToyModel",
        EquatableArray.Of(
            new AxisSize("layer", Layers), new AxisSize("head", Heads), new AxisSize("d_head", HeadSize), new AxisSize("d_model", Width),
            new AxisSize("vocab", Vocabulary)),
        EquatableArray.Of(
            Site("embed", "batch", "pos", "d_model"),
            Site("blocks.{layer}.z", "batch", "pos", "head", "d_head"),
            Site("blocks.{layer}.result", "batch", "pos", "head", "d_model"),
            Site("blocks.{layer}.out", "batch", "pos", "d_model"),
            Site("blocks.{layer}.resid", "batch", "pos", "d_model"),
            Site("logits", "batch", "pos", "vocab")));

    public override ModelGraph Graph { get; }

    /// <summary>How often embeddings were computed: once a batch.</summary>
    public int Passes { get; private set; }

    public override int? ContextLength => 32;

    public override int VocabularySize => Vocabulary;

    public override Device Device { get; }

    /// <summary>Tokens 0 to 4 are " a" to " e", 5 to 9 are "a" to "e", and 10 is ".".</summary>
    public override IReadOnlyList<long> EncodePiece(string text)
    {
        List<long> tokens = [];
        for (int i = 0; i < text.Length; i++)
        {
            bool hasSpace = text[i] == ' ' && i + 1 < text.Length;
            char letter = text[hasSpace ? ++i : i];
            tokens.Add(
                letter is >= 'a' and <= 'e' ? letter - 'a' + (hasSpace ? 0 : 5)
                : letter == '.' && !hasSpace ? 10
                : throw new ArgumentException($"there is no token for '{letter}'"));
        }
        return tokens;
    }

    public override string? WeightsFingerprint() => WeightsChecksum.Of(_weights);

    private static SiteDefinition Site(string path, params string[] axes) => new(path, EquatableArray.Of(axes));
}
