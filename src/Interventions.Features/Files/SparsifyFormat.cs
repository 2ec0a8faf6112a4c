using Interventions.Models.Checkpoints;

namespace Interventions.Features.Files;

/// <summary>Dictionaries of EleutherAI's sparsify: <c>cfg.json</c> and <c>sae.safetensors</c>, top-k.</summary>
internal static class SparsifyFormat
{
    /// <summary>The file of weights.</summary>
    public const string Weights = "sae.safetensors";

    /// <summary>Reads a dictionary.</summary>
    public static StoredSae Read(string file)
    {
        ConfigFile config = ConfigFile.Read(Path.Combine(Path.GetDirectoryName(file)!, "cfg.json"));
        if (config.Text("activation", "topk") is not "topk" and string other)
            throw config.Wrong("activation", $"is '{other}', and topk is known");
        if (config.Flag("signed", false))
            throw config.Wrong("signed", "is true: which sign such a dictionary's features have is not known here");
        NamedTensors tensors = new(file, SaeFile.Tensors(file));
        bool isTranscoder = config.Flag("transcode", false);
        SaeWeights weights = new()
        {
            Encoder = tensors.Turned("encoder.weight"),
            EncoderBias = tensors.Get("encoder.bias"),
            Decoder = tensors.Get("W_dec"),
            DecoderBias = tensors.Get("b_dec"),
            Skip = config.Flag("skip_connection", false) ? tensors.Get("W_skip") : null,
        };
        tensors.CheckAllRead("sparsify");
        SaeConfig read = new()
        {
            Activation = new Activation.TopK(config.Integer("k")),
            SubtractsDecoderBias = !isTranscoder,
            // A skip connection that is no transcoder's is added to the same value.
            IsTranscoder = isTranscoder || weights.Skip is not null,
        };
        return weights.Skip is not null && !isTranscoder
            ? throw config.Wrong("skip_connection", "is true of a dictionary that is no transcoder")
            : new StoredSae(read, weights);
    }
}
