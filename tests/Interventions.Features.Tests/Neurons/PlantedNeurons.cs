using Interventions.Models;
using Interventions.Models.Decoder;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features.Tests.Neurons;

/// <summary>
/// A decoder of one block whose neurons are known. Its head looks at the token before, so that the stream has each token, its place, and
/// the token before.
/// </summary>
internal static class PlantedNeurons
{
    public const int Vocabulary = 10, Context = 16, Bos = 0, A = 3, B = 5, C = 7;

    /// <summary>The neurons: 1 at B behind A; 1 at C, whatever stands in front; never anything.</summary>
    public const int BehindA = 0, Alone = 1, Dead = 2;

    public static NeuronSite Site(params int[] neurons) => NeuronSite.Of("blocks.0.mlp.post", neurons);

    public static MaxActivatingOptions Options => new() { Bos = Bos };

    /// <summary>Random contexts behind a beginning of sentence.</summary>
    public static Corpus Corpus(int count = 200, int seed = 1)
    {
        Random random = new(seed);
        return Features.Corpus.OfTokens([.. Enumerable.Range(0, count).Select(_ => Context12())]);

        long[] Context12() => [Bos, .. Enumerable.Range(0, 12).Select(_ => (long)random.Next(2, Vocabulary))];
    }

    /// <summary>The decoder, in float64; the caller owns it.</summary>
    public static DecoderModel Model()
    {
        int places = Vocabulary, before = Vocabulary + Context, width = (2 * Vocabulary) + Context;
        DecoderModel model = DecoderModel.Random(
            NormFreeModel.Configure(layers: 1, heads: 1, width, neurons: 3, Vocabulary, Context) with
            {
                Activation = Interventions.Models.Decoder.Activation.Relu,
            },
            dtype: ScalarType.Float64);
        using IDisposable mode = no_grad();
        foreach (Tensor weight in model.Weights.Values)
            weight.zero_();
        Tensor qkv = model.Weights["blocks.0.attn.qkv.weight"], into = model.Weights["blocks.0.mlp.in.weight"];
        for (int place = 0; place < Context; place++)
        {
            model.Weights["pos_embed.weight"][place, places + place] = 1;
            // Queries ask for the place before, and are sharp: what other places get is nothing in float64.
            qkv[places + Math.Max(0, place - 1), places + place] = 100 * Math.Sqrt(width);
            qkv[width + places + place, places + place] = 1;
        }
        for (int token = 0; token < Vocabulary; token++)
        {
            model.Weights["embed.weight"][token, token] = 1;
            qkv[(2 * width) + before + token, token] = 1;
            model.Weights["blocks.0.attn.out.weight"][before + token, before + token] = 1;
        }
        into[BehindA, B] = 1;
        into[BehindA, before + A] = 1;
        model.Weights["blocks.0.mlp.in.bias"][BehindA] = -1;
        into[Alone, C] = 1;
        return model;
    }
}
