using Interventions.Models.Decoder;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits;

/// <summary>
/// What a head reads of a stream where it attends, as directions in that stream (Nanda et al. 2023, fact finding: a head makes a linear
/// probe of three sports): the unembeddings of tokens, pulled back through the last norm, the head's output and its values, and the norm in
/// front of them.
/// </summary>
public static class EffectiveProbe
{
    /// <summary>
    /// The directions. The logit that a head brings a token, if it attended to nothing but a stream x, is x · direction over both norms'
    /// scales (that of <c>ln1</c> at x, that of <c>ln_final</c> where the head writes), and a number that does not depend on x. A larger
    /// product for one token than for another is a larger logit.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="layer">The layer.</param>
    /// <param name="head">The query head.</param>
    /// <param name="tokens">The tokens.</param>
    /// <returns><c>[token, d_model]</c>; the caller owns it.</returns>
    /// <exception cref="ArgumentException">There is no such head or token.</exception>
    /// <exception cref="InterventionException">
    /// What the model's heads write is not simply added to the stream, or its logits have a soft cap.
    /// </exception>
    public static Tensor Directions(DecoderModel model, int layer, int head, params IReadOnlyList<long> tokens)
    {
        HeadWeights.Check(model, layer, head);
        ArgumentNullException.ThrowIfNull(tokens);
        if (tokens.Count == 0 || tokens.Any(token => token < 0 || token >= model.VocabularySize))
            throw new ArgumentException(
                $"Tokens are from 0 to {model.VocabularySize - 1}, at least one; given are [{string.Join(", ", tokens)}].", nameof(tokens));
        CircuitSites.Of(model);
        if (model.Config.LogitCap is not null)
            throw new InterventionException($"{model.Schema.Model} has a soft cap of its logits, so that no direction is a logit.");
        using DisposeScope scope = NewDisposeScope();
        Tensor weights = model.Weights["W_U"], one = ones(model.Config.DModel, 1, dtype: weights.dtype, device: weights.device);
        // Both norms are linear with a given scale: they are applied to each unit vector.
        Tensor units = eye(model.Config.DModel, dtype: weights.dtype, device: weights.device);
        Tensor read = model.AttentionNorm(layer, units, model.Config.NormsBefore ? one : null, bias: false);
        Tensor written = HeadWeights.Written(model, layer, head, read, bias: false);
        Tensor final = model.FinalNorm(written, model.Config.FinalNorm ? one : null, bias: false);
        Tensor columns = weights.index_select(1, tensor(tokens.ToArray(), device: weights.device));
        return final.matmul(columns).over(model.Config.LogitDivisor).t().contiguous().MoveToOuterDisposeScope();
    }
}
