using System.Collections.Immutable;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>What the terms of a loss have in common: products of a batch with the weights.</summary>
/// <param name="weights">The weights, features in whose units they are.</param>
/// <param name="options">Norms and biases.</param>
/// <param name="rows">The batch.</param>
internal sealed class LossPass(SaeWeights weights, SaeTrainingOptions options, TrainingRows rows)
{
    public SaeWeights Weights => weights;

    public TrainingRows Rows => rows;

    /// <summary>How many rows.</summary>
    public long Count => rows.Input.shape[0];

    /// <summary>The norms of decoder rows, <c>[feature]</c>.</summary>
    public Tensor Norms => field ??= weights.Decoder.norm(-1);

    /// <summary>(x − a·b_dec) W_enc + bias, <c>[row, feature]</c>.</summary>
    public Tensor PreActivations(Tensor bias) => ThroughBias is { } none
        ? bias.plus(none).addmm(Centred, weights.Encoder!)
        : bias.addmm(Centred, weights.Encoder!);

    /// <summary>(x − a·b_dec) W_enc, <c>[row, feature]</c>.</summary>
    public Tensor Product() => ThroughBias is { } none ? none.addmm(Centred, weights.Encoder!) : Centred.mm(weights.Encoder!);

    /// <summary>Features decoded, <c>[row, d_out]</c>.</summary>
    public Tensor Decode(Tensor features) => Decode(features, weights.Decoder, weights.DecoderBias);

    /// <summary>Features decoded by other weights.</summary>
    public Tensor Decode(Tensor features, Tensor decoder, Tensor bias) => Skipped(bias.addmm(features, decoder));

    /// <summary>Features and their squared error; of the first ones alone, too.</summary>
    public SaeLosses Reconstructed(Tensor features, ImmutableArray<int> inner = default)
    {
        List<(string, Tensor)> terms = [];
        Tensor y = weights.DecoderBias;
        int from = 0;
        foreach (int to in inner.IsDefault ? [] : inner)
        {
            y = Added(to);
            terms.Add(($"{SaeLosses.InnerMse}{to}", SquaredError(rows.Target.sub(Skipped(y)))));
            from = to;
        }
        Tensor error = rows.Target.sub(Skipped(Added(weights.Decoder.shape[0])));
        return new SaeLosses(features, error, [(SaeLosses.Mse, SquaredError(error)), .. terms]);

        // The gradient of a part is a whole tensor, mostly of zeros, so all is no part.
        Tensor Added(long to) => from == 0 && to == weights.Decoder.shape[0] ? y.addmm(features, weights.Decoder)
            : y.addmm(features.narrow(1, from, to - from), weights.Decoder.narrow(0, from, to - from));
    }

    /// <summary>The mean over rows of ‖e‖².</summary>
    public Tensor SquaredError(Tensor error) => error.squared().sum().over(Count);

    /// <summary>Σ f_i, or Σ f_i‖d_i‖ where decoder rows have any norm, over all rows.</summary>
    public Tensor SumOf(Tensor features) => options.HasUnitNorm ? features.sum() : features.sum([0L]).dot(Norms);

    private bool Subtracts => options.SubtractsDecoderBias && !options.IsTranscoder;

    private Tensor Centred => field ??= Subtracts ? rows.Input.sub(weights.DecoderBias.detach()) : rows.Input;

    /// <summary>
    /// A row of zeros, through which the decoder's bias has its gradient as an input. Through <see cref="Centred"/> it would be the sum of
    /// a matrix that takes a product of the whole batch.
    /// </summary>
    private Tensor? ThroughBias =>
        Subtracts ? weights.DecoderBias.detach().sub(weights.DecoderBias).matmul(weights.Encoder!.detach()) : null;

    private Tensor Skipped(Tensor y) => weights.Skip is null ? y : y.addmm(rows.Raw, weights.Skip.t());
}
