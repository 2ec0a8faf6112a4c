using Interventions.Models.Decoder;

namespace Interventions.Models;

/// <summary>
/// What is done to weights so that they are easier to read, and the model gives each token the very log-probability that it gave before.
/// Each step is exact, and refused with the reason where it is not.
/// </summary>
/// <remarks>
/// A run on a processed model has the effects that it has on the model as it was where it copies values of one run into another. Writes
/// that mean something by themselves (0, a vector that is added, a pattern whose rows do not add up to one) mean something else where the
/// value of the site is another: see each step.
/// </remarks>
[Flags]
public enum WeightProcessing
{
    /// <summary>The weights as they were trained.</summary>
    None = 0,

    /// <summary>
    /// Gains and biases of <c>ln1</c>, <c>ln2</c> and <c>ln_final</c> go into the weights and biases of what reads the norm, and become 1
    /// and 0. <c>ln*.normalized</c> is then the value before gain and bias. Behind a LayerNorm, whose outputs have the mean 0, each row of
    /// the readers' weights loses its mean too, so that what they read of a vector does not depend on the vector's mean. Norms of queries
    /// and keys, behind blocks and behind the embedding stay: nothing alone reads them.
    /// </summary>
    FoldNorms = 1,

    /// <summary>
    /// Value biases go into <c>attn.b_O</c>, and become 0: rows of a pattern add up to one. <c>attn.v</c>, <c>attn.z</c> and
    /// <c>attn.result</c> then lack the bias, so that a head that is set to 0 keeps what its bias adds; and a written pattern whose rows do
    /// not add up to one no longer scales the bias.
    /// </summary>
    FoldValueBiases = 2,

    /// <summary>
    /// What is written into the residual stream, embeddings included, loses its mean over d_model, which a LayerNorm takes out anyway.
    /// Refused under RMSNorm, behind a norm of a block or of the embedding, and where blocks read the stream without a norm.
    /// </summary>
    CentreWritingWeights = 4,

    /// <summary>
    /// The unembedding loses its mean over the vocabulary: logits have the mean 0. Refused where logits have a soft cap.
    /// </summary>
    CentreUnembedding = 8,

    /// <summary>All of them; refused for a model for which one of them is not exact.</summary>
    All = FoldNorms | FoldValueBiases | CentreWritingWeights | CentreUnembedding,

    /// <summary>
    /// Those of them that are exact for the model, whichever these are: all four for GPT-2, three for Llama. The model's
    /// <see cref="DecoderModel.Processing"/> says which were done. Never refused; steps that are named beside it still are.
    /// </summary>
    Exact = 16,
}

/// <summary>For which decoders processing is exact.</summary>
internal static class WeightProcessings
{
    /// <summary>The steps, in the order in which they are done.</summary>
    private static readonly WeightProcessing[] s_steps =
    [
        WeightProcessing.FoldNorms, WeightProcessing.FoldValueBiases, WeightProcessing.CentreWritingWeights,
        WeightProcessing.CentreUnembedding,
    ];

    /// <summary>The steps of a processing, all of which leave a decoder's log-probabilities as they are.</summary>
    /// <exception cref="ArgumentException">One of those that are named does not; the message says why, and which do.</exception>
    public static WeightProcessing Of(WeightProcessing processing, DecoderConfig config)
    {
        if ((processing & ~(WeightProcessing.All | WeightProcessing.Exact)) != 0)
            throw new ArgumentException($"There is no such processing of weights: {processing}.", nameof(processing));
        WeightProcessing named = processing & WeightProcessing.All;
        Check(named, config);
        // A step may be exact alone and not beside another one, which gives it something to do: the earlier one is taken.
        return processing == named ? named : s_steps.Aggregate(
            named, (steps, step) => AreExact(steps | step, config) ? steps | step : steps);
    }

    private static bool AreExact(WeightProcessing steps, DecoderConfig config) =>
        s_steps.All(step => !steps.HasFlag(step) || Inexact(step, steps, config) is null);

    private static void Check(WeightProcessing processing, DecoderConfig config)
    {
        string? Why(WeightProcessing step) => Inexact(step, processing, config);
        string[] reasons =
        [
            .. s_steps.Where(step => processing.HasFlag(step) && Why(step) is not null)
                .Select(step => $"{step} would change the model, since {Why(step)}."),
        ];
        string[] exact = [.. s_steps.Where(step => Why(step) is null).Select(step => $"{nameof(WeightProcessing)}.{step}")];
        if (reasons.Length > 0)
            throw new ArgumentException(
                $"{string.Join(' ', reasons)} Exact for this {config.Family} is {string.Join(" | ", exact)}, "
                + $"which {nameof(WeightProcessing)}.{nameof(WeightProcessing.Exact)} stands for.", nameof(processing));
    }

    /// <summary>Whether norms have biases.</summary>
    public static bool HasNormBiases(DecoderConfig config) => config is { Norm: NormKind.LayerNorm, PlainNorms: false };

    private static bool HasReaderBiases(DecoderConfig config) => config.NormsBefore && HasNormBiases(config);

    /// <summary>Why a step would change a decoder's log-probabilities; <see langword="null"/> if it does not.</summary>
    private static string? Inexact(WeightProcessing step, WeightProcessing all, DecoderConfig config) => step switch
    {
        WeightProcessing.FoldNorms =>
            config is { Experts: not null, HasMlp: true } && HasReaderBiases(config)
                ? "its experts have no biases, which would take those of the norm" : null,
        WeightProcessing.FoldValueBiases =>
            config.QkvClip is not null && (config.QkvBias || (all.HasFlag(WeightProcessing.FoldNorms) && HasReaderBiases(config)))
                ? "its values are cut to a size behind their bias" : null,
        WeightProcessing.CentreWritingWeights =>
            config.Norm == NormKind.RmsNorm ? "its norms are RMSNorm, which reads the mean of the stream" :
            !config.NormsBefore ? "its blocks read the stream without a norm, the mean included" :
            !config.FinalNorm ? "its unembedding reads the stream without a norm, the mean included" :
            config.NormsAfter ? "what its blocks add comes from a norm, whose gain and bias have a mean" :
            config.EmbeddingNorm ? "its stream begins with the norm of the embedding, whose gain and bias have a mean" : null,
        _ => config.LogitCap is not null ? "its logits have a soft cap, so that a shift of all of them is not lost in the softmax" : null,
    };
}
