using Interventions.Features.Files;
using Interventions.ModelGraphs;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>
/// A dictionary of features: a sparse autoencoder or a transcoder. <c>[Splice]</c> puts it into a model. It owns its weights.
/// </summary>
/// <remarks>
/// With z = (x − a·b_dec) W_enc + b_enc, features f of z by the <see cref="Activation"/>, and x̂ = f W_dec + b_dec. Values of another
/// element type are converted to the weights'.
/// </remarks>
public sealed class Sae : ISplice, IDisposable
{
    private readonly Tensor? _norms, _magnitude;

    /// <summary>A dictionary of weights.</summary>
    /// <param name="config">What it computes.</param>
    /// <param name="weights">Its weights, which it disposes of.</param>
    /// <exception cref="ArgumentException">A weight is missing, is not read, or has another shape or element type.</exception>
    public Sae(SaeConfig config, SaeWeights weights)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(weights);
        if (weights.Problem(config) is { } problem)
            throw new ArgumentException($"These weights are no such dictionary: {problem}.", nameof(weights));
        (Config, Weights) = (config, weights.Select((_, weight) => weight.DetachFromDisposeScope()));
        using DisposeScope scope = NewDisposeScope();
        _norms = config.RescalesByDecoderNorm ? weights.Decoder.norm(-1).DetachFromDisposeScope() : null;
        _magnitude = weights.LogMagnitude?.exp().DetachFromDisposeScope();
    }

    /// <summary>What it computes.</summary>
    public SaeConfig Config { get; }

    /// <summary>Its weights.</summary>
    public SaeWeights Weights { get; }

    /// <inheritdoc/>
    public int Features => checked((int)Weights.Decoder.shape[0]);

    /// <summary>The width of what is encoded, d_in.</summary>
    public int InputWidth => checked((int)(Weights.Encoder?.shape[0] ?? Weights.Decoder.shape[1]));

    /// <summary>The width of what is decoded, d_out.</summary>
    public int OutputWidth => checked((int)Weights.Decoder.shape[1]);

    /// <summary>Reads a dictionary from files, in the dialect that they are written in.</summary>
    /// <param name="path">
    /// A folder of SAELens (<c>cfg.json</c> and <c>sae_weights.safetensors</c>, version 6 or older), EleutherAI's sparsify (<c>cfg.json</c>
    /// and <c>sae.safetensors</c>), Gemma Scope (<c>params.npz</c>), dictionary_learning (<c>ae.pt</c> or <c>ae.safetensors</c>), or
    /// OpenAI's autoencoders (<c>config.json</c> and <c>autoencoder.safetensors</c>); or one of these files of weights; or a folder on the
    /// hub, <c>owner/name/blocks.7.hook_resid_pre</c> (with a revision <c>owner/name@revision/…</c>), which is downloaded into the cache
    /// that Python's tools share unless it is there.
    /// </param>
    /// <param name="type">The element type to compute in. Default: what the file says, else that of the stored tensors.</param>
    /// <exception cref="CheckpointException">There is no such dictionary, it is malformed, or its dialect is not known.</exception>
    public static Sae Load(string path, ScalarType? type = null)
    {
        ArgumentNullException.ThrowIfNull(path);
        return SaeFile.Read(path, type);
    }

    /// <summary>Writes the dictionary as SAELens 6 does: <c>cfg.json</c> and <c>sae_weights.safetensors</c>.</summary>
    /// <param name="folder">The folder; it is made if it is missing.</param>
    public void Save(string folder) => SaeLensFormat.Write(this, folder);

    /// <inheritdoc/>
    public Tensor Encode(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        Tensor centred = Centred(x);
        if (Config.Activation is Activation.MatchingPursuit pursuit)
            return PositiveMatching.Encode(centred, Weights.Decoder, pursuit);
        Tensor z = centred.matmul(Weights.Encoder!);
        return Config.Activation is Activation.Gated
            ? z.mul(_magnitude!).plus(Weights.MagnitudeBias!).relu().mul(Positive(z.plus(Weights.GateBias!)))
            : Chosen(Rescaled(Biased(z)));
    }

    /// <summary>
    /// What the activation is of: z, before any scaling by norms; of a gated dictionary the magnitude.
    /// </summary>
    /// <param name="x">The value, <c>[…, d_in]</c>.</param>
    /// <returns><c>[…, feature]</c>.</returns>
    /// <exception cref="InvalidOperationException">Matching pursuit has no pre-activations.</exception>
    public Tensor PreActivations(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (Weights.Encoder is null)
            throw new InvalidOperationException("Matching pursuit has no pre-activations: it has no encoder.");
        Tensor z = Centred(x).matmul(Weights.Encoder);
        return Config.Activation is Activation.Gated ? z.mul(_magnitude!).plus(Weights.MagnitudeBias!) : Biased(z);
    }

    /// <inheritdoc/>
    public Tensor Decode(Tensor features, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(features);
        ArgumentNullException.ThrowIfNull(x);
        Tensor f = features.to_type(Weights.Decoder.dtype);
        Tensor y = (_norms is null ? f : f.div(_norms)).matmul(Weights.Decoder).plus(Weights.DecoderBias);
        Tensor input = Flat(x).to_type(y.dtype);
        if (Weights.Skip is not null)
            y = y.plus(input.matmul(Weights.Skip.t()));
        if (!Config.IsTranscoder)
            y = InputNorms.Undo(Config.InputNorm, y, input);
        return (Config.FlattensHeads ? y.reshape(x.shape) : y).to_type(x.dtype);
    }

    /// <summary>The decoder's rows as features are multiplied with them, <c>[feature, d_out]</c>; the caller owns them.</summary>
    internal Tensor Directions() => _norms is null ? Weights.Decoder.alias() : Weights.Decoder.div(_norms.unsqueeze(-1));

    /// <summary>What is decoded of what is encoded.</summary>
    /// <param name="x">The value, <c>[…, d_in]</c>; of all heads <c>[…, head, d_head]</c>.</param>
    /// <returns>The same axes, <c>[…, d_out]</c>.</returns>
    public Tensor Reconstruct(Tensor x) => Decode(Encode(x), x);

    /// <summary>
    /// The same dictionary with decoder rows of norm 1: what a feature lacks in its row is in its activation, d_i / n_i and f_i · n_i. What
    /// is reconstructed stays the same.
    /// </summary>
    /// <returns>A new dictionary; this one stays as it is.</returns>
    /// <exception cref="InvalidOperationException">
    /// The largest pre-activations are chosen, and not by norm: then others would be chosen. Or it is by matching pursuit.
    /// </exception>
    public Sae FoldNorms()
    {
        if (Config.Activation is Activation.MatchingPursuit || (Config.Activation is Activation.TopK && !Config.RescalesByDecoderNorm))
            throw new InvalidOperationException(
                $"Norms cannot be folded into a dictionary by {Config.Activation}: which features are chosen would change.");
        return Changed(Config with { RescalesByDecoderNorm = false }, (norms, name, weight) => name switch
        {
            "W_dec" => weight.div(norms.unsqueeze(-1)),
            "b_dec" or "r_mag" or "W_skip" => weight.clone(),
            "threshold" when Config.RescalesByDecoderNorm => weight.clone(), // it is compared with features in units of norms already
            _ => weight.mul(norms),
        });
    }

    /// <summary>
    /// The same dictionary for values that are not multiplied by a factor any more, with which it was trained: W_enc·s, W_dec/s, b_dec/s
    /// (of <c>expected_average_only_in</c>). A transcoder's output was not multiplied: there W_enc alone changes.
    /// </summary>
    /// <param name="scale">The factor s.</param>
    /// <returns>A new dictionary; this one stays as it is.</returns>
    public Sae FoldScale(double scale) =>
        Changed(Config, (_, name, weight) => name switch
        {
            "W_enc" => weight.times(scale),
            "W_dec" or "b_dec" when !Config.IsTranscoder => weight.over(scale),
            _ => weight.clone(),
        });

    /// <summary>
    /// This dictionary as a splice of one head, <c>[batch, pos, head, d_head]</c> as of <c>attn.z</c>: it encodes and replaces that head's
    /// value, and the other heads keep theirs.
    /// </summary>
    /// <param name="head">The head. Default: the one that the file names, <see cref="SaeConfig.Head"/>.</param>
    /// <returns>A splice, which borrows this dictionary.</returns>
    /// <exception cref="ArgumentException">
    /// No head is named, or another one than the file says; or the dictionary is of all heads, or a transcoder.
    /// </exception>
    public ISplice OfHead(int? head = null) => new HeadSplice(this, head);

    /// <inheritdoc/>
    public string WeightsFingerprint() => $"{Config}: {WeightsChecksum.Of(Weights.Named.Select(weight => weight.Value))}";

    /// <inheritdoc/>
    public override string ToString() =>
        $"{Config.Activation.GetType().Name} dictionary of {Features} features, "
        + (Config.Activation is Activation.TopK { K: var active } ? $"{active} active, " : "") + $"{InputWidth} wide"
        + (OutputWidth == InputWidth ? "" : $" to {OutputWidth}") + (Config.Site is null ? "" : $", at {Config.Site}");

    /// <inheritdoc/>
    public void Dispose()
    {
        Weights.Dispose();
        _norms?.Dispose();
        _magnitude?.Dispose();
    }

    private Sae Changed(SaeConfig config, Func<Tensor, string, Tensor, Tensor> change)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        Tensor norms = Weights.Decoder.norm(-1);
        return new Sae(config, Weights.Select((name, weight) => change(norms, name, weight)));
    }

    private Tensor Centred(Tensor x)
    {
        Tensor input = InputNorms.Apply(Config.InputNorm, Flat(x).to_type(Weights.Decoder.dtype));
        return Config.SubtractsDecoderBias ? input.sub(Weights.DecoderBias) : input;
    }

    private Tensor Flat(Tensor x)
    {
        Tensor flat = Config.FlattensHeads ? x.flatten(-2) : x;
        return flat.shape[^1] == InputWidth ? flat : throw new ArgumentException(
            $"{this} is given values of shape {Shapes.Describe(x)}: their last axis{(Config.FlattensHeads ? "es make" : " has")} "
            + $"{flat.shape[^1]}, and {InputWidth} are needed.", nameof(x));
    }

    private Tensor Biased(Tensor z) => Weights.EncoderBias is null ? z : z.plus(Weights.EncoderBias);

    private Tensor Rescaled(Tensor z) => _norms is null ? z : z.mul(_norms);

    private Tensor Chosen(Tensor z)
    {
        switch (Config.Activation)
        {
            case Activation.TopK top:
                Tensor kept = (top.Signed ? z.abs() : z).topk(top.K, -1, largest: true, sorted: false).indexes;
                Tensor values = z.gather(-1, kept);
                return zeros_like(z).scatter(-1, kept, top.Signed ? values : values.relu());
            case Activation.JumpRelu:
                return z.relu().mul(z.gt(Weights.Threshold!).to_type(z.dtype));
            default:
                return z.relu();
        }
    }

    private static Tensor Positive(Tensor gate) => gate.sign().relu();
}
