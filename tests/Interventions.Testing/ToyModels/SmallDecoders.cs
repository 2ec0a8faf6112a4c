using Interventions.ModelGraphs;
using Interventions.Models;
using Interventions.Models.Decoder;
using Interventions.Runtime;
using static TorchSharp.torch;

namespace Interventions.Testing.ToyModels;

/// <summary>Small random models whose every weight matters, and prompts for them.</summary>
public static class SmallDecoders
{
    public static readonly DecoderConfig Gpt2Config = Gpt2Model.Configure(
        layers: 3, heads: 4, d_model: 32, vocabularySize: 61, contextLength: 16);

    public static readonly DecoderConfig LlamaConfig =
        LlamaModel.Configure(layers: 3, heads: 4, kv_heads: 2, d_model: 32, neurons: 40, vocabularySize: 61, contextLength: 16);

    public static IEnumerable<object[]> Families => [["gpt2"], ["llama"]];

    /// <summary>A model with gains away from 1, biases away from 0, and attention that is not uniform.</summary>
    public static DecoderModel Model(string family, ScalarType dtype = ScalarType.Float64, long seed = 1, int? window = null)
    {
        DecoderModel model = DecoderModel.Random((family == "gpt2" ? Gpt2Config : LlamaConfig) with { Window = window }, seed, dtype);
        using var _ = no_grad();
        using Generator generator = new(7, CPU);
        foreach ((string name, Tensor weight) in model.Weights)
        {
            using TorchSharp.DisposeScope scope = NewDisposeScope();
            if (name.EndsWith(".weight", StringComparison.Ordinal))
                weight.mul_(10);
            else
                weight.add_(randn(weight.shape, ScalarType.Float64, generator: generator).mul_(0.3).to_type(dtype));
        }
        return model;
    }

    public static Tensor Prompts(long seed = 3)
    {
        using Generator generator = new((ulong)seed, CPU);
        return randint(0, 61, [3, 9], ScalarType.Int64, generator: generator);
    }

    /// <summary>One value of a run with writes.</summary>
    public static Tensor Read(DecoderModel model, Tensor ids, string read, params (string Site, Func<Tensor, Tensor> Write)[] writes) =>
        GraphEvaluator.Evaluate(model.Graph, ids, [read], writes.ToDictionary(write => write.Site, write => write.Write))[read];

    /// <summary>Bit for bit.</summary>
    public static bool Same(Tensor a, Tensor b) => a.shape.SequenceEqual(b.shape) && a.eq(b).all().item<bool>();
}
