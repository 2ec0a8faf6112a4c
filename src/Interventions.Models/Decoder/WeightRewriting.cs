using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Models.Decoder;

/// <summary>Processes a decoder's weights, one after the other, so that no second copy of all exists.</summary>
/// <param name="config">The decoder.</param>
/// <param name="weights">Its weights, which are replaced; whoever owns them owns the new ones.</param>
internal sealed class WeightRewriting(DecoderConfig config, Dictionary<string, Tensor> weights)
{
    /// <summary>The decoder with the weights as they are now: a bias that takes what is folded may be new.</summary>
    public DecoderConfig Config { get; private set; } = config;

    private IEnumerable<string> Blocks => Enumerable.Range(0, Config.Layers).Select(layer => $"blocks.{layer}");

    /// <summary>Carries out the steps, in an order in which none undoes another.</summary>
    public void Apply(WeightProcessing processing)
    {
        using IDisposable mode = no_grad();
        if ((processing & ~WeightProcessing.FoldValueBiases) != 0)
            Untie();
        if (processing.HasFlag(WeightProcessing.FoldNorms))
            FoldNorms();
        if (processing.HasFlag(WeightProcessing.FoldValueBiases))
            FoldValueBiases();
        if (processing.HasFlag(WeightProcessing.CentreWritingWeights))
            CentreWritingWeights();
        if (processing.HasFlag(WeightProcessing.CentreUnembedding))
            foreach (string name in new[] { "unembed.weight", "unembed.bias" }.Where(weights.ContainsKey))
                Replace(name, x => WithoutMean(x, 0));
    }

    /// <summary>What is folded into the unembedding is not the embedding's: it gets a matrix of its own.</summary>
    private void Untie()
    {
        if (!Config.TiedUnembedding)
            return;
        weights.Add("unembed.weight", weights["embed.weight"].clone().DetachFromDisposeScope());
        Config = Config with { TiedUnembedding = false };
    }

    private void FoldNorms()
    {
        bool isShifted = WeightProcessings.HasNormBiases(Config), hasReaders = Config.NormsBefore;
        Extend(Config with
        {
            QkvBias = Config.QkvBias || (isShifted && hasReaders),
            MlpBias = Config.MlpBias || (isShifted && hasReaders && Config.HasMlp && Config.Experts is null),
            UnembeddingBias = Config.UnembeddingBias || (isShifted && Config.FinalNorm),
        });
        string[] mlp =
            Config.Experts is not null ? ["mlp.router", "mlp.experts.gate", "mlp.experts.in"] :
            Config.GatedMlp ? ["mlp.gate", "mlp.in"] : ["mlp.in"];
        foreach (string block in hasReaders ? Blocks : [])
        {
            bool isShared = Config.Block == BlockKind.ParallelWithOneNorm;
            Fold($"{block}.ln1", ["attn.qkv", .. isShared ? mlp : []], block);
            if (Config.HasMlp && !isShared)
                Fold($"{block}.ln2", mlp, block);
        }
        if (Config.FinalNorm)
            Fold("ln_final", ["unembed"]);
    }

    /// <summary>Folds one norm into what reads it: W · (gain · x + bias) is (W · gain) · x, and W · bias beside it.</summary>
    private void Fold(string norm, string[] readers, string? block = null)
    {
        Tensor? gain = weights.GetValueOrDefault($"{norm}.gain"), shift = weights.GetValueOrDefault($"{norm}.bias");
        foreach (string name in readers.Select(reader => block is null ? reader : $"{block}.{reader}"))
        {
            using DisposeScope scope = NewDisposeScope();
            if (shift is not null)
                AddToBias(name, HalfPrecision.Widened(weights[$"{name}.weight"]).matmul(HalfPrecision.Widened(shift)));
            Replace($"{name}.weight", x =>
            {
                Tensor? wide = gain is null ? null : HalfPrecision.Widened(gain);
                Tensor folded = wide is null ? x : x.mul(Config.GainsAboveOne ? wide.plus(1) : wide);
                return Config.Norm == NormKind.LayerNorm ? WithoutMean(folded, -1) : folded;
            });
        }
        if (gain is not null)
            Replace($"{norm}.gain", x => Config.GainsAboveOne ? zeros_like(x) : ones_like(x));
        if (shift is not null)
            Replace($"{norm}.bias", x => zeros_like(x));
    }

    private void FoldValueBiases()
    {
        if (!Config.QkvBias)
            return;
        Extend(Config with { AttentionOutBias = true });
        long begin = (long)(Config.Heads + Config.KvHeads) * Config.DHead, length = (long)Config.KvHeads * Config.DHead;
        foreach (string attn in Blocks.Select(block => $"{block}.attn"))
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor values = HalfPrecision.Widened(weights[$"{attn}.qkv.bias"]).narrow(0, begin, length).view(Config.KvHeads, Config.DHead);
            Tensor ofHeads = values.repeat_interleave(Config.Heads / Config.KvHeads, 0).flatten();
            AddToBias($"{attn}.out", HalfPrecision.Widened(weights[$"{attn}.out.weight"]).matmul(ofHeads));
            Replace($"{attn}.qkv.bias", x => cat([x.narrow(0, 0, begin), zeros_like(x.narrow(0, begin, length))], 0));
        }
    }

    private void CentreWritingWeights()
    {
        foreach ((string name, int axis) in Writing())
            Replace(name, x => WithoutMean(x, axis));
    }

    /// <summary>Takes directions out of what is written into the residual stream; the unembedding stays as it is.</summary>
    /// <param name="basis">Orthonormal directions, <c>[direction, d_model]</c>, float64.</param>
    public void RemoveDirections(Tensor basis)
    {
        using IDisposable mode = no_grad();
        Untie();
        foreach ((string name, int axis) in Writing())
            Replace(name, x =>
            {
                Tensor rows = x.to(ScalarType.Float64).movedim([axis], [-1]), own = basis.to(x.device);
                return (rows - rows.matmul(own.t()).matmul(own)).movedim([-1], [axis]);
            });
    }

    /// <summary>The weights that write into the residual stream, embeddings included, with their axis of d_model.</summary>
    private (string Name, int Axis)[] Writing()
    {
        (string Name, int Axis)[] ofBlock =
        [
            ("attn.out.weight", 0), ("attn.out.bias", 0), ("mlp.out.weight", 0), ("mlp.out.bias", 0), ("mlp.experts.out.weight", 1),
        ];
        IEnumerable<(string Name, int Axis)> all = Blocks.SelectMany(block => ofBlock.Select(one => ($"{block}.{one.Name}", one.Axis)))
            .Concat([("embed.weight", 1), ("pos_embed.weight", 1)]);
        return [.. all.Where(one => weights.ContainsKey(one.Name))];
    }

    /// <summary>Takes over a configuration that has more biases: they are 0.</summary>
    private void Extend(DecoderConfig config)
    {
        Tensor like = weights["embed.weight"];
        foreach ((string name, long[] shape) in DecoderWeights.Shapes(config).Where(weight => !weights.ContainsKey(weight.Name)))
            weights.Add(name, zeros(shape, like.dtype, like.device).DetachFromDisposeScope());
        Config = config;
    }

    private void AddToBias(string projection, Tensor summand) => Replace($"{projection}.bias", x => x.plus(summand));

    /// <summary>Replaces a weight by a function of it, which half precision computes in float32.</summary>
    private void Replace(string name, Func<Tensor, Tensor> of)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor old = weights[name];
        weights[name] = DecoderWeights.Own(of(HalfPrecision.Widened(old)), old.dtype, old.device);
        old.Dispose();
    }

    private static Tensor WithoutMean(Tensor x, long axis) => x - x.mean([axis], keepdim: true);
}
