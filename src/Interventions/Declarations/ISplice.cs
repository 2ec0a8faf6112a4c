using Interventions.ModelGraphs;
using static TorchSharp.torch;

namespace Interventions;

/// <summary>
/// An encoder–decoder that <see cref="SpliceAttribute"/> puts into a model. Both methods are pure, treat every position alone, and keep no handle to their arguments; weights
/// that they use are the implementer's own, which a run neither frees nor trains.
/// </summary>
public interface ISplice
{
    /// <summary>How many features there are.</summary>
    int Features { get; }

    /// <summary>The features of a value.</summary>
    /// <param name="x">What is encoded, <c>[batch, pos, …]</c> with the axes of its site: <c>[batch, pos, d_model]</c> of the residual stream, <c>[batch, pos, head, d_head]</c> of <c>attn.z</c>.</param>
    /// <returns><c>[batch, pos, feature]</c>.</returns>
    Tensor Encode(Tensor x);

    /// <summary>The value of features.</summary>
    /// <param name="features"><c>[batch, pos, feature]</c>, perhaps edited.</param>
    /// <param name="x">What was encoded: for normalisation that is undone, and for skip connections.</param>
    /// <returns>The replaced site's axes; another element type is converted to the site's.</returns>
    Tensor Decode(Tensor features, Tensor x);

    /// <summary>
    /// Identifies the weights: other weights have another text. <see langword="null"/> where it does not say; then a run into a file is refused, see
    /// <see cref="HookedModel.WeightsFingerprint"/>. Most often <see cref="WeightsChecksum.Of"/>.
    /// </summary>
    string? WeightsFingerprint() => null;
}
