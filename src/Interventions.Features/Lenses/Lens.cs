using System.Collections.Immutable;
using System.Globalization;
using Interventions.Files;
using Interventions.Models.Decoder;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>How a lens carries a residual stream to the end of the model.</summary>
public enum LensKind
{
    /// <summary>As it is: the logit lens (nostalgebraist 2020).</summary>
    Logit,

    /// <summary>By an affine map that was trained to say what the model says: the tuned lens.</summary>
    Tuned,

    /// <summary>By the mean derivative of the last stream: the Jacobian lens.</summary>
    Jacobian,
}

/// <summary>
/// What a model would say if it stopped after a block. The residual stream behind the block, <c>blocks.{layer}.resid_post</c>, goes
/// through a map of its layer, x ↦ x W + b, and then through the model's last norm and its unembedding. Lenses differ in the map alone. It
/// owns its weights.
/// </summary>
public sealed class Lens : IDisposable
{
    private const string Key = "interventions.lens", LossesKey = "losses";

    internal Lens(LensKind kind, int layers, int width, Tensor? weights, Tensor? biases, ImmutableArray<double> losses = default)
    {
        (Kind, Layers, Width) = (kind, layers, width);
        (Weights, Biases) = (weights?.DetachFromDisposeScope(), biases?.DetachFromDisposeScope());
        Losses = losses.IsDefault ? [] : losses;
    }

    /// <summary>How streams are carried to the end.</summary>
    public LensKind Kind { get; }

    /// <summary>The number of layers.</summary>
    public int Layers { get; }

    /// <summary>The width of the residual stream.</summary>
    public int Width { get; }

    /// <summary>W, <c>[layer, d_model, d_model]</c>, of row vectors; null where it is the identity.</summary>
    public Tensor? Weights { get; }

    /// <summary>b, <c>[layer, d_model]</c>; null where it is 0.</summary>
    public Tensor? Biases { get; }

    /// <summary>Of a tuned lens, the divergence at each step of its training, as a mean over layers.</summary>
    public ImmutableArray<double> Losses { get; }

    /// <summary>The lens without a map.</summary>
    public static Lens Logit(DecoderModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return new Lens(LensKind.Logit, model.Config.Layers, model.Config.DModel, null, null);
    }

    /// <summary>A residual stream as it would be at the end.</summary>
    /// <param name="layer">The layer that it is behind.</param>
    /// <param name="stream"><c>[…, d_model]</c>.</param>
    /// <returns>The same shape and type; the caller owns it.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such layer.</exception>
    public Tensor Translate(int layer, Tensor stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentOutOfRangeException.ThrowIfNegative(layer);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(layer, Layers);
        if (Weights is null)
            return stream.alias();
        using DisposeScope scope = NewDisposeScope();
        Tensor carried = stream.to(Weights.dtype).matmul(Weights[layer].to(stream.device));
        if (Biases is not null)
            carried = carried.plus(Biases[layer].to(stream.device));
        return carried.to(stream.dtype).MoveToOuterDisposeScope();
    }

    /// <summary>The logits of a residual stream.</summary>
    /// <param name="model">The model that the lens is of.</param>
    /// <param name="layer">The layer that the stream is behind.</param>
    /// <param name="stream"><c>[…, d_model]</c>.</param>
    /// <returns><c>[…, vocab]</c>; the caller owns them.</returns>
    /// <exception cref="ArgumentException">The model has other sizes than the lens.</exception>
    public Tensor Logits(DecoderModel model, int layer, Tensor stream)
    {
        Check(model);
        using DisposeScope scope = NewDisposeScope();
        return model.Unembed(model.FinalNorm(Translate(layer, stream))).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Looks at prompts through the lens: at each layer and position the likeliest tokens, and how far they are from the model's.
    /// </summary>
    /// <param name="model">The model that the lens is of.</param>
    /// <param name="prompts">The prompts, of which the first run counts.</param>
    /// <param name="at">The positions, as a path names them: <c>end</c>, <c>1..</c>, <c>S1,end</c>. Default: all.</param>
    /// <param name="answer">The answer of the prompt set whose rank is kept. Default: the token that the model finds likeliest.</param>
    /// <param name="top">How many tokens are kept of each. Default: 5.</param>
    /// <param name="options">How to run.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <exception cref="InterventionException">There is no such position or answer.</exception>
    /// <exception cref="ArgumentException">The model has other sizes than the lens.</exception>
    public LensReading Read(
        DecoderModel model, IPromptSet prompts, string at = "0..", string? answer = null, int top = 5, RunOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        Check(model);
        ArgumentNullException.ThrowIfNull(prompts);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(top);
        return LensReading.Of(this, model, prompts, new LensQuestion(at, answer, Math.Min(top, model.VocabularySize)),
            options ?? new RunOptions(), cancellationToken);
    }

    /// <summary>Writes the lens as safetensors: <c>weights</c> and <c>biases</c>, as far as it has them.</summary>
    /// <param name="path">The file. It appears under its name only when it is complete.</param>
    public void Save(string path)
    {
        Dictionary<string, Tensor> tensors = [];
        if (Weights is not null)
            tensors["weights"] = Weights;
        if (Biases is not null)
            tensors["biases"] = Biases;
        SafeTensors.Save(path, tensors, new Dictionary<string, string>
        {
            ["format"] = "pt",
            [Key] = string.Create(CultureInfo.InvariantCulture, $"{Kind} {Layers} {Width}"),
            [LossesKey] = string.Join(' ', Losses.Select(loss => loss.ToString("R", CultureInfo.InvariantCulture))),
        });
    }

    /// <summary>Reads what <see cref="Save"/> wrote.</summary>
    /// <exception cref="CheckpointException">The file is missing, malformed, or no lens.</exception>
    public static Lens Load(string path)
    {
        using SafeTensorFile file = SafeTensorFile.Open(path);
        if (!file.Metadata.TryGetValue(Key, out string? text) || text.Split(' ') is not [string name, string layers, string width]
            || !Enum.TryParse(name, out LensKind kind) || !int.TryParse(layers, out int count) || !int.TryParse(width, out int size))
            throw new CheckpointException(path, "is no lens: its metadata do not say which, and of what sizes.");
        using DisposeScope scope = NewDisposeScope();
        return new Lens(kind, count, size, Of("weights", count, size, size), Of("biases", count, size), Numbers());

        // A mapped file may be replaced while the lens lives, so its numbers are copied.
        Tensor? Of(string tensor, params long[] shape)
        {
            if (!file.Entries.ContainsKey(tensor))
                return tensor == "biases" || kind == LensKind.Logit ? null
                    : throw new CheckpointException(path, $"is no {kind} lens: it has no '{tensor}'.");
            Tensor read = file.Read(tensor);
            return read.shape.AsSpan().SequenceEqual(shape) ? read.clone() : throw new CheckpointException(
                path, $"is no lens of {count} layers of width {size}: '{tensor}' is {Shapes.Describe(read)}.");
        }

        ImmutableArray<double> Numbers() =>
        [
            .. file.Metadata.GetValueOrDefault(LossesKey, "").Split(' ', StringSplitOptions.RemoveEmptyEntries)
                .Select(loss => double.TryParse(loss, CultureInfo.InvariantCulture, out double number) ? number : double.NaN),
        ];
    }

    /// <summary>Frees the weights.</summary>
    public void Dispose()
    {
        Weights?.Dispose();
        Biases?.Dispose();
    }

    /// <inheritdoc/>
    public override string ToString() =>
        $"{Kind} lens of {Layers} layers, d_model {Width}"
        + (Losses.IsEmpty ? "" : FormattableString.Invariant($", trained from {Losses[0]:g4} to {Losses[^1]:g4} nats"));

    private void Check(DecoderModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (model.Config.Layers != Layers || model.Config.DModel != Width)
            throw new ArgumentException(
                $"This lens is of {Layers} layers of width {Width}, and {model.Schema.Model} has {model.Config.Layers} of width "
                + $"{model.Config.DModel}.", nameof(model));
    }
}

/// <summary>What is asked of each layer and position.</summary>
/// <param name="At">The positions.</param>
/// <param name="Answer">The answer whose rank is kept; null for the model's own likeliest token.</param>
/// <param name="Top">How many tokens are kept.</param>
internal sealed record LensQuestion(string At, string? Answer, int Top);
