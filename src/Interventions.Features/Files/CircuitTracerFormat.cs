using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features.Files;

/// <summary>
/// One layer's transcoder as circuit-tracer shares it: <c>layer_3.safetensors</c>, relu, or jump-relu where it has thresholds, perhaps with
/// a skip connection. No configuration lies beside it.
/// </summary>
internal static class CircuitTracerFormat
{
    private const string Encoder = "W_enc", Decoder = "W_dec", Threshold = "activation_function.threshold";

    /// <summary>Reads a transcoder.</summary>
    /// <exception cref="CheckpointException">A tensor is missing or not known, or the shapes do not say which axis is which.</exception>
    public static StoredSae Read(string file)
    {
        NamedTensors tensors = new(file, SaeFile.Tensors(file));
        Tensor bias = tensors.Get("b_enc"), outputBias = tensors.Get("b_dec");
        SaeWeights weights = new()
        {
            Encoder = tensors.Turned(Encoder),
            EncoderBias = bias,
            Decoder = FeaturesFirst(file, tensors.Get(Decoder), bias.numel(), outputBias.numel()),
            DecoderBias = outputBias,
            Threshold = tensors.Find(Threshold)?.reshape(-1),
            Skip = tensors.Find("W_skip"),
        };
        tensors.CheckAllRead("circuit-tracer");
        SaeConfig config = new()
        {
            Activation = weights.Threshold is null ? new Activation.Relu() : new Activation.JumpRelu(),
            SubtractsDecoderBias = false,
            IsTranscoder = true,
        };
        return new StoredSae(config, weights);
    }

    /// <summary>Writes a transcoder.</summary>
    /// <exception cref="NotSupportedException">The format has no such activation.</exception>
    public static void Write(string file, Sae sae)
    {
        if (sae.Config is not
            { Activation: Activation.Relu or Activation.JumpRelu, InputNorm: InputNorm.None, RescalesByDecoderNorm: false })
            throw new NotSupportedException(
                $"{sae} cannot be saved as one of a set: circuit-tracer's files are of relu and jump-relu, without norms. {nameof(Sae)}."
                + $"{nameof(Sae.Save)} into folders layer_0, layer_1 and so on makes a set that is read here.");
        using DisposeScope scope = NewDisposeScope();
        SaeWeights weights = sae.Weights;
        Dictionary<string, Tensor> tensors = new()
        {
            [Encoder] = weights.Encoder!.t().contiguous(),
            ["b_enc"] = weights.EncoderBias ?? zeros(sae.Features, dtype: weights.Decoder.dtype),
            [Decoder] = weights.Decoder,
            ["b_dec"] = weights.DecoderBias,
        };
        if (weights.Threshold is { } threshold)
            tensors[Threshold] = threshold;
        if (weights.Skip is { } skip)
            tensors["W_skip"] = skip;
        SafeTensors.Save(file, tensors);
    }

    /// <summary>Older files have a decoder's rows as columns.</summary>
    private static Tensor FeaturesFirst(string file, Tensor decoder, long features, long width)
    {
        if (features == width)
            throw new CheckpointException(
                file, $"has {features} features of that width: whether rows or columns of '{Decoder}' are features cannot be seen.");
        return decoder.shape.AsSpan().SequenceEqual([features, width]) ? decoder
            : decoder.shape.AsSpan().SequenceEqual([width, features]) ? decoder.t()
            : throw new CheckpointException(
                file, $"has a tensor '{Decoder}' of shape {Shapes.Describe(decoder)}, which is neither [{features}, {width}] nor turned.");
    }
}
