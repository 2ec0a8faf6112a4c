using Interventions.ModelGraphs;
using static TorchSharp.torch;

namespace Interventions;

/// <summary>
/// An encoder–decoder that <see cref="SpliceAttribute"/> puts into a model. Both methods are pure, treat every position alone, and keep no
/// handle to their arguments. Their weights belong to the implementing object; a run neither frees nor trains them.
/// </summary>
public interface ISplice
{
    /// <summary>The number of features.</summary>
    int Features { get; }

    /// <summary>The features of a value.</summary>
    /// <param name="x">
    /// The value to encode, <c>[batch, pos, …]</c> with its site's axes: <c>[batch, pos, d_model]</c> of the residual stream, <c>[batch,
    /// pos, head, d_head]</c> of <c>attn.z</c>.
    /// </param>
    /// <returns><c>[batch, pos, feature]</c>.</returns>
    Tensor Encode(Tensor x);

    /// <summary>The value of features.</summary>
    /// <param name="features"><c>[batch, pos, feature]</c>, perhaps edited.</param>
    /// <param name="x">The value that was encoded, to undo a normalisation or for a skip connection.</param>
    /// <returns>A value with the replaced site's axes; another element type is converted to the site's.</returns>
    Tensor Decode(Tensor features, Tensor x);

    /// <summary>
    /// Identifies the weights: other weights have another text. Most often <see cref="WeightsChecksum.Of"/>. Default:
    /// <see langword="null"/>, so that a run into a file is refused, see <see cref="HookedModel.WeightsFingerprint"/>.
    /// </summary>
    string? WeightsFingerprint() => null;
}
