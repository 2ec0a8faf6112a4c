namespace Interventions.Features.Files;

/// <summary>Dictionaries of Gemma Scope: <c>params.npz</c>, jump-relu, whose decoder bias is not subtracted from the input.</summary>
internal static class GemmaScopeFormat
{
    /// <summary>The file of weights.</summary>
    public const string Weights = "params.npz";

    /// <summary>Reads a dictionary.</summary>
    public static StoredSae Read(string file)
    {
        NamedTensors tensors = new(file, NpzFile.Read(file));
        SaeWeights weights = new()
        {
            // Some of them are written with a small letter.
            Encoder = tensors.Find("W_enc") ?? tensors.Get("w_enc"),
            EncoderBias = tensors.Get("b_enc"),
            Decoder = tensors.Find("W_dec") ?? tensors.Get("w_dec"),
            DecoderBias = tensors.Get("b_dec"),
            Threshold = tensors.Get("threshold"),
        };
        tensors.CheckAllRead("Gemma Scope");
        return new StoredSae(
            new SaeConfig
            {
                Activation = new Activation.JumpRelu(),
                SubtractsDecoderBias = false,
                IsTranscoder = weights.Encoder.dim() == 2 && weights.Decoder.dim() == 2
                    && weights.Encoder.shape[0] != weights.Decoder.shape[1],
            },
            weights);
    }
}
