using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Models.Decoder;

/// <summary>The canonical names and shapes of a decoder's weights.</summary>
/// <remarks>
/// A projection is <c>[out, in]</c> with any strides: families that store <c>[in, out]</c> give a transposed view without a copy. Queries,
/// keys and values are one projection, <c>attn.qkv</c>: one matrix product instead of three.
/// </remarks>
public static class DecoderWeights
{
    /// <summary>Every weight of a decoder, in the order of the forward pass.</summary>
    public static IEnumerable<(string Name, long[] Shape)> Shapes(DecoderConfig config)
    {
        bool shifted = config.Norm == NormKind.LayerNorm, gained = !config.PlainNorms;
        IEnumerable<(string, long[])> Norm(string name) => gained ? NormOf(name, config.DModel, shifted) : [];

        yield return ("embed.weight", [config.VocabularySize, config.DModel]);
        if (config.EmbeddingNorm)
            foreach (var norm in Norm("embed_norm"))
                yield return norm;
        if (config.LearnedPositions)
            yield return ("pos_embed.weight", [config.ContextLength + config.PositionOffset, config.DModel]);
        for (int layer = 0; layer < config.Layers; layer++)
        {
            string block = $"blocks.{layer}";
            bool hasSecond = config.HasMlp && config.NormsBefore && config.Block != BlockKind.ParallelWithOneNorm;
            IEnumerable<(string, long[])> weights =
            [
                .. config.NormsBefore ? Norm($"{block}.ln1") : [], .. Attention(config, $"{block}.attn"),
                .. config.NormsAfter ? Norm($"{block}.ln1_post") : [], .. hasSecond ? Norm($"{block}.ln2") : [],
                .. config.HasMlp ? Mlp(config, $"{block}.mlp") : [], .. config.HasMlp && config.NormsAfter ? Norm($"{block}.ln2_post") : [],
            ];
            foreach (var weight in weights)
                yield return weight;
        }
        if (config.FinalNorm)
            foreach (var norm in Norm("ln_final"))
                yield return norm;
        if (!config.TiedUnembedding)
            yield return ("unembed.weight", [config.VocabularySize, config.DModel]);
        if (config.UnembeddingBias)
            yield return ("unembed.bias", [config.VocabularySize]);
    }

    /// <summary>
    /// Random weights, as GPT-2 begins training: N(0, 0.02²), projections into the residual stream narrower by √(2 · layers), gains 1,
    /// biases 0 (Radford et al. 2019, section 2.3). The caller owns them.
    /// </summary>
    /// <param name="config">The decoder.</param>
    /// <param name="seed">Equal seeds give equal weights.</param>
    /// <param name="dtype">Default: float32.</param>
    /// <param name="device">Default: the CPU.</param>
    public static Dictionary<string, Tensor> Random(DecoderConfig config, long seed, ScalarType? dtype = null, Device? device = null)
    {
        const double std = 0.02;
        using Generator generator = new((ulong)seed, CPU);
        Dictionary<string, Tensor> weights = [];
        foreach ((string name, long[] shape) in Shapes(config))
        {
            using DisposeScope scope = NewDisposeScope();
            bool intoStream = name.EndsWith(".out.weight", StringComparison.Ordinal);
            double spread = intoStream ? std / Math.Sqrt(2.0 * config.Layers) : std;
            // Drawn in float64 on the CPU: a seed gives the same weights on each device.
            Tensor value =
                name.EndsWith(".gain", StringComparison.Ordinal) && !config.GainsAboveOne ? ones(shape, ScalarType.Float64) :
                name.EndsWith(".gain", StringComparison.Ordinal) ? zeros(shape, ScalarType.Float64) :
                name.EndsWith(".bias", StringComparison.Ordinal) ? zeros(shape, ScalarType.Float64) :
                randn(shape, ScalarType.Float64, generator: generator).times_(spread);
            weights.Add(name, Own(value, dtype ?? ScalarType.Float32, device ?? CPU));
        }
        return weights;
    }

    /// <summary>A weight with this value, which outlives the current scope and does not require a gradient.</summary>
    // Not a Parameter: TorchSharp's constructor takes the handle out of its argument, which then counts as alive for ever.
    internal static Tensor Own(Tensor value, ScalarType dtype, Device device)
    {
        using var _ = no_grad();
        using Tensor moved = value.to(dtype, device);
        return moved.detach().DetachFromDisposeScope();
    }

    private static IEnumerable<(string, long[])> Attention(DecoderConfig config, string attn)
    {
        long queries = (long)config.Heads * config.DHead, keys = (long)config.KvHeads * config.DHead;
        (long q, long k) = config.QkNorm == QkNorm.OneGain ? (config.DHead, config.DHead) : (queries, keys);
        return
        [
            .. Projection($"{attn}.qkv", queries + (2 * keys), config.DModel, config.QkvBias),
            .. config.QkNorm == QkNorm.None ? (IEnumerable<(string, long[])>)[]
                : [.. NormOf($"{attn}.q_norm", q, shifted: false), .. NormOf($"{attn}.k_norm", k, shifted: false)],
            .. Projection($"{attn}.out", config.DModel, queries, config.AttentionOutBias),
        ];
    }

    private static IEnumerable<(string, long[])> Mlp(DecoderConfig config, string mlp)
    {
        (long d_model, long neurons) = (config.DModel, config.Neurons);
        if (config.Experts is { } experts)
        {
            return
            [
                ($"{mlp}.router.weight", [experts.Count, d_model]), ($"{mlp}.experts.gate.weight", [experts.Count, neurons, d_model]),
                ($"{mlp}.experts.in.weight", [experts.Count, neurons, d_model]),
                ($"{mlp}.experts.out.weight", [experts.Count, d_model, neurons]),
            ];
        }
        return
        [
            .. config.GatedMlp ? Projection($"{mlp}.gate", neurons, d_model, config.MlpBias) : [],
            .. Projection($"{mlp}.in", neurons, d_model, config.MlpBias),
            .. Projection($"{mlp}.out", d_model, neurons, config.MlpBias),
        ];
    }

    private static IEnumerable<(string, long[])> NormOf(string name, long width, bool shifted)
    {
        yield return ($"{name}.gain", [width]);
        if (shifted)
            yield return ($"{name}.bias", [width]);
    }

    private static IEnumerable<(string, long[])> Projection(string name, long outputs, long inputs, bool bias)
    {
        yield return ($"{name}.weight", [outputs, inputs]);
        if (bias)
            yield return ($"{name}.bias", [outputs]);
    }
}
