using Interventions.Models.Checkpoints;

namespace Interventions.Features.Files;

/// <summary>Autoencoders in OpenAI's layout: <c>config.json</c> and the tensors of its program.</summary>
internal static class OpenAiFormat
{
    /// <summary>Reads a dictionary.</summary>
    public static StoredSae Read(string file)
    {
        ConfigFile config = ConfigFile.Read(Path.Combine(Path.GetDirectoryName(file)!, "config.json"));
        NamedTensors tensors = new(file, SaeFile.Tensors(file));
        SaeWeights weights = new()
        {
            Encoder = tensors.Turned("encoder.weight"),
            EncoderBias = tensors.Get("latent_bias"),
            Decoder = tensors.Turned("decoder.weight"),
            DecoderBias = tensors.Get("pre_bias"),
        };
        tensors.Find("stats_last_nonzero"); // of training alone
        tensors.CheckAllRead("OpenAI's layout");
        return new StoredSae(
            new SaeConfig
            {
                Activation = config.Text("activation") switch
                {
                    "ReLU" => new Activation.Relu(),
                    "TopK" => TopK(config),
                    string other => throw config.Wrong("activation", $"is '{other}', and known are ReLU, TopK"),
                },
                InputNorm = config.Flag("normalize", false) ? InputNorm.LayerNorm : InputNorm.None,
            },
            weights);
    }

    private static Activation.TopK TopK(ConfigFile config)
    {
        ConfigFile state = config.Section("activation_state_dict") ?? throw config.Wrong("activation_state_dict", "is missing");
        return state.Text("postact_fn", "ReLU") is "ReLU" ? new Activation.TopK(state.Integer("k"))
            : throw state.Wrong("postact_fn", $"is '{state.Text("postact_fn")}', and ReLU is known");
    }
}
