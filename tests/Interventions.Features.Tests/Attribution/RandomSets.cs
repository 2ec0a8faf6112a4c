using Interventions.Models.Decoder;
using static TorchSharp.torch;

namespace Interventions.Features.Tests.Attribution;

/// <summary>Dictionaries of random weights, of which some features are active.</summary>
internal static class RandomSets
{
    public static Sae Dictionary(DecoderModel model, int features, ulong seed, ScalarType type = ScalarType.Float64)
    {
        using Generator generator = new(seed, CPU);
        long width = model.Config.DModel;
        return new Sae(new SaeConfig(), new SaeWeights
        {
            Encoder = randn(width, features, type, generator: generator) / Math.Sqrt(width),
            EncoderBias = randn(features, type, generator: generator) * 0.1,
            Decoder = randn(features, width, type, generator: generator) / Math.Sqrt(features),
            DecoderBias = randn(width, type, generator: generator) * 0.1,
        });
    }

    public static TranscoderSet Transcoders(
        DecoderModel model, int features = 20, bool skips = false, Activation? activation = null, string reads = "mlp_in") =>
        new([.. Enumerable.Range(0, model.Config.Layers).Select(layer =>
            Transcoder(model.Config.DModel, features, skips, activation ?? new Activation.Relu(), 5 + (ulong)layer))], reads, "random");

    public static Sae Transcoder(
        long width, int features, bool skips, Activation activation, ulong seed, ScalarType type = ScalarType.Float64)
    {
        using Generator generator = new(seed, CPU);
        bool isGated = activation is Activation.Gated;
        SaeWeights weights = new()
        {
            Encoder = Random(width, features) / Math.Sqrt(width),
            EncoderBias = isGated ? null : (Random(features) * 0.1) - 0.3,
            Decoder = Random(features, width) / Math.Sqrt(features),
            DecoderBias = Random(width) * 0.1,
            Skip = skips ? Random(width, width) / width : null,
            Threshold = activation is Activation.JumpRelu ? Random(features).abs() * 0.2 : null,
            GateBias = isGated ? Random(features) * 0.2 : null,
            MagnitudeBias = isGated ? Random(features) * 0.2 : null,
            LogMagnitude = isGated ? Random(features) * 0.2 : null,
        };
        return new Sae(
            new SaeConfig { Activation = activation, SubtractsDecoderBias = false, IsTranscoder = true }, weights);

        Tensor Random(params long[] shape) => randn(shape, type, generator: generator);
    }
}
