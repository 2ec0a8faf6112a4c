using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>
/// The weights of a dictionary, of one element type. Vectors are rows: d_in is the width of what is encoded, d_out of what is decoded.
/// </summary>
public sealed record SaeWeights : IDisposable
{
    /// <summary>W_enc <c>[d_in, feature]</c>; null for matching pursuit, which encodes by the decoder.</summary>
    public Tensor? Encoder { get; init; }

    /// <summary>b_enc <c>[feature]</c>; null where it is 0, or there are a gate's and a magnitude's instead.</summary>
    public Tensor? EncoderBias { get; init; }

    /// <summary>W_dec <c>[feature, d_out]</c>: a row is a feature's direction.</summary>
    public required Tensor Decoder { get; init; }

    /// <summary>b_dec <c>[d_out]</c>.</summary>
    public required Tensor DecoderBias { get; init; }

    /// <summary>θ <c>[feature]</c> of <see cref="Activation.JumpRelu"/>.</summary>
    public Tensor? Threshold { get; init; }

    /// <summary>b_gate <c>[feature]</c> of <see cref="Activation.Gated"/>.</summary>
    public Tensor? GateBias { get; init; }

    /// <summary>b_mag <c>[feature]</c> of <see cref="Activation.Gated"/>.</summary>
    public Tensor? MagnitudeBias { get; init; }

    /// <summary>r_mag <c>[feature]</c> of <see cref="Activation.Gated"/>: the logarithm of the magnitude's factor.</summary>
    public Tensor? LogMagnitude { get; init; }

    /// <summary>W_skip <c>[d_out, d_in]</c> of a transcoder: it is added to what is decoded, times the input as it is.</summary>
    public Tensor? Skip { get; init; }

    /// <summary>All that are there, in a fixed order, by the names of SAELens.</summary>
    internal IEnumerable<(string Name, Tensor Value)> Named =>
        from weight in new (string Name, Tensor? Value)[]
        {
            ("W_enc", Encoder), ("b_enc", EncoderBias), ("W_dec", Decoder), ("b_dec", DecoderBias), ("threshold", Threshold),
            ("b_gate", GateBias), ("b_mag", MagnitudeBias), ("r_mag", LogMagnitude), ("W_skip", Skip),
        }
        where weight.Value is not null
        select (weight.Name, weight.Value);

    /// <summary>A tensor by its name; null where it is not there.</summary>
    internal Tensor? this[string name] => Named.FirstOrDefault(weight => weight.Name == name).Value;

    /// <summary>The axis along which a tensor has a part of each feature; null where it has none.</summary>
    internal static long? FeatureAxis(string name) => name switch
    {
        "W_enc" => 1,
        "b_dec" or "W_skip" => null,
        _ => 0,
    };

    /// <summary>Frees all of them.</summary>
    public void Dispose()
    {
        foreach ((_, Tensor weight) in Named)
            weight.Dispose();
    }

    /// <summary>The same weights after a function; null stays null.</summary>
    internal SaeWeights Select(Func<string, Tensor, Tensor> change)
    {
        return new SaeWeights
        {
            Encoder = Of("W_enc", Encoder),
            EncoderBias = Of("b_enc", EncoderBias),
            Decoder = change("W_dec", Decoder),
            DecoderBias = change("b_dec", DecoderBias),
            Threshold = Of("threshold", Threshold),
            GateBias = Of("b_gate", GateBias),
            MagnitudeBias = Of("b_mag", MagnitudeBias),
            LogMagnitude = Of("r_mag", LogMagnitude),
            Skip = Of("W_skip", Skip),
        };

        Tensor? Of(string name, Tensor? value) => value is null ? null : change(name, value);
    }

    /// <summary>Says what does not fit together; null if all does.</summary>
    internal string? Problem(SaeConfig config)
    {
        if (Decoder.dim() != 2)
            return $"W_dec is [feature, d_out], and has the shape {Described(Decoder)}";
        (long features, long width) = (Decoder.shape[0], Decoder.shape[1]);
        bool isPursuit = config.Activation is Activation.MatchingPursuit, isGated = config.Activation is Activation.Gated;
        bool hasThreshold = config.Activation is Activation.JumpRelu;
        long input = Encoder?.dim() == 2 ? Encoder.shape[0] : width;
        if (!config.IsTranscoder && input != width)
            return $"W_enc reads vectors of {input} and W_dec writes vectors of {width}: only a transcoder may";
        return Wrong("W_enc", Encoder, !isPursuit, isPursuit, input, features)
            ?? Wrong("b_enc", EncoderBias, false, isPursuit || isGated, features)
            ?? Wrong("b_dec", DecoderBias, true, false, width)
            ?? Wrong("threshold", Threshold, hasThreshold, !hasThreshold, features)
            ?? Wrong("b_gate", GateBias, isGated, !isGated, features)
            ?? Wrong("b_mag", MagnitudeBias, isGated, !isGated, features)
            ?? Wrong("r_mag", LogMagnitude, isGated, !isGated, features)
            ?? Wrong("W_skip", Skip, false, !config.IsTranscoder, width, input)
            ?? (config.Activation is Activation.TopK top && (top.K < 1 || top.K > features)
                ? $"{top.K} of {features} features cannot be chosen" : null)
            ?? (config.SubtractsDecoderBias && config.IsTranscoder ? "a transcoder does not subtract b_dec, which is its output's" : null);

        string? Wrong(string name, Tensor? value, bool isNeeded, bool isStrange, params long[] shape) =>
            value is null ? (isNeeded ? $"{name} is missing, which {config.Activation.GetType().Name} needs" : null)
            : isStrange ? $"{name} is there, which {config.Activation.GetType().Name} does not read"
            : !value.shape.AsSpan().SequenceEqual(shape)
                ? $"{name} has the shape {Described(value)}, and it must be [{string.Join(", ", shape)}]"
            : value.dtype != Decoder.dtype ? $"{name} is {value.dtype}, and W_dec {Decoder.dtype}" : null;

        static string Described(Tensor value) => $"[{string.Join(", ", value.shape)}]";
    }
}
