using System.Text.Json;
using System.Text.Json.Nodes;
using Interventions.Files;
using Interventions.Models.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features.Files;

/// <summary>Dictionaries of SAELens, version 6 and older: <c>cfg.json</c> and <c>sae_weights.safetensors</c>.</summary>
internal static class SaeLensFormat
{
    /// <summary>The file of weights.</summary>
    public const string Weights = "sae_weights.safetensors";

    private const string Dialect = "SAELens", Config = "cfg.json", Architecture = "architecture", Norm = "normalize_activations";

    private const string HeadIndex = "hook_head_index";

    private static readonly string[] s_architectures =
    [
        "standard", "gated", "jumprelu", "topk", "abstopk", "matching_pursuit", "transcoder", "skip_transcoder", "jumprelu_transcoder",
        "jumprelu_skip_transcoder",
    ];

    /// <summary>Reads a dictionary.</summary>
    public static StoredSae Read(string file)
    {
        ConfigFile config = ConfigFile.Read(Path.Combine(Path.GetDirectoryName(file)!, Config));
        NamedTensors tensors = new(file, SaeFile.Tensors(file));
        string architecture = ArchitectureOf(config);
        bool isTranscoder = architecture.EndsWith("transcoder", StringComparison.Ordinal);
        if (tensors.Find("scaling_factor") is { } factor && !factor.eq(ones_like(factor)).all().cpu().item<bool>())
            throw new CheckpointException(file,
                "has a 'scaling_factor' that is not 1 everywhere: it scales what a fine-tuned dictionary decodes, which is not read here.");
        SaeConfig read = new()
        {
            Activation = ActivationOf(config, architecture),
            InputNorm = NormOf(config),
            SubtractsDecoderBias = config.Flag("apply_b_dec_to_input", !isTranscoder),
            RescalesByDecoderNorm = config.Flag("rescale_acts_by_decoder_norm", false),
            IsTranscoder = isTranscoder,
            FlattensHeads = HeadOf(config) is null && FlattensHeads(config),
            Head = HeadOf(config),
            Site = Described(config, "hook_name") ?? Described(config, "hook_point"),
            Model = Described(config, "model_name"),
        };
        SaeWeights weights = new()
        {
            Encoder = tensors.Find("W_enc"),
            EncoderBias = tensors.Find("b_enc"),
            Decoder = tensors.Get("W_dec"),
            DecoderBias = tensors.Get("b_dec"),
            Threshold = tensors.Find("threshold") ?? tensors.Find("log_threshold")?.exp(),
            GateBias = tensors.Find("b_gate"),
            MagnitudeBias = tensors.Find("b_mag"),
            LogMagnitude = tensors.Find("r_mag"),
            Skip = tensors.Find("W_skip"),
        };
        tensors.CheckAllRead(Dialect);
        Compare(config, "d_in", weights.Encoder?.shape[0] ?? weights.Decoder.shape[^1]);
        Compare(config, "d_sae", weights.Decoder.shape[0]);
        Compare(config, "d_out", weights.Decoder.shape[^1]);
        return new StoredSae(read, weights) { Type = TypeOf(config) };
    }

    /// <summary>Writes a dictionary as version 6 does. Each of the two files is complete or not there.</summary>
    public static void Write(Sae sae, string folder)
    {
        SaeConfig config = sae.Config;
        JsonObject json = new()
        {
            [Architecture] = ArchitectureOf(sae),
            ["d_in"] = sae.InputWidth,
            ["d_sae"] = sae.Features,
            ["dtype"] = NameOf(sae.Weights.Decoder.dtype),
            ["apply_b_dec_to_input"] = config.SubtractsDecoderBias,
            [Norm] = config.InputNorm switch
            {
                InputNorm.ConstantNorm => "constant_norm_rescale",
                InputNorm.LayerNorm => "layer_norm",
                _ => "none",
            },
            ["reshape_activations"] = config.FlattensHeads ? "hook_z" : "none",
            ["metadata"] = new JsonObject { ["hook_name"] = config.Site, ["hook_head_index"] = config.Head, ["model_name"] = config.Model },
        };
        if (config.IsTranscoder)
            json["d_out"] = sae.OutputWidth;
        switch (config.Activation)
        {
            case Activation.TopK top:
                json["k"] = top.K;
                json["rescale_acts_by_decoder_norm"] = config.RescalesByDecoderNorm;
                break;
            case Activation.MatchingPursuit pursuit:
                json["max_iterations"] = pursuit.MaxIterations;
                json["residual_threshold"] = pursuit.ResidualThreshold;
                json["stop_on_duplicate_support"] = pursuit.StopsOnSameSupport;
                break;
        }
        using DisposeScope scope = NewDisposeScope();
        Dictionary<string, Tensor> tensors = sae.Weights.Named.ToDictionary(weight => weight.Name, weight => weight.Value);
        if (config.Activation is Activation.Relu or Activation.TopK or Activation.JumpRelu && !tensors.ContainsKey("b_enc"))
            tensors["b_enc"] = zeros(sae.Features, dtype: sae.Weights.Decoder.dtype);
        SafeTensors.Save(Path.Combine(folder, Weights), tensors);
        byte[] text = JsonSerializer.SerializeToUtf8Bytes(json, new JsonSerializerOptions { WriteIndented = true });
        CompleteFile.Replace(Path.Combine(folder, Config), stream => stream.Write(text));
    }

    private static string ArchitectureOf(Sae sae)
    {
        string rest = (sae.Config.IsTranscoder, sae.Weights.Skip) switch
        {
            (false, _) => "",
            (true, null) => "transcoder",
            _ => "skip_transcoder",
        };
        return (sae.Config.Activation, rest) switch
        {
            (Activation.Relu, "") => "standard",
            (Activation.Relu, _) => rest,
            (Activation.JumpRelu, "") => "jumprelu",
            (Activation.JumpRelu, _) => $"jumprelu_{rest}",
            (Activation.Gated, "") => "gated",
            (Activation.TopK { Signed: false }, "") => "topk",
            (Activation.TopK, "") => "abstopk",
            (Activation.MatchingPursuit, "") => "matching_pursuit",
            _ => throw new NotSupportedException($"SAELens has no transcoder by {sae.Config.Activation}, so it cannot be saved."),
        };
    }

    private static string ArchitectureOf(ConfigFile config)
    {
        string function = FunctionOf(config), architecture = config.Text(Architecture, function == "topk" ? "topk" : "standard");
        // Older versions call a dictionary standard whose activation is top-k.
        if (architecture == "standard" && function == "topk")
            architecture = "topk";
        else if (function is not ("relu" or "topk"))
            throw config.Wrong("activation_fn", $"is '{function}', and relu and topk are known");
        return s_architectures.Contains(architecture) ? architecture
            : throw config.Wrong(Architecture, $"is '{architecture}', and known are {string.Join(", ", s_architectures)}");
    }

    private static string FunctionOf(ConfigFile config) => config.Text("activation_fn", config.Text("activation_fn_str", "relu"));

    private static Activation ActivationOf(ConfigFile config, string architecture) => architecture switch
    {
        "topk" or "abstopk" => new Activation.TopK(
            config.Has("k") ? config.Integer("k")
                : config.Section("activation_fn_kwargs")?.Integer("k") ?? throw config.Wrong("k", "is missing"),
            Signed: architecture == "abstopk"),
        "gated" => new Activation.Gated(),
        "matching_pursuit" => new Activation.MatchingPursuit(
            config.Integer("max_iterations", config.Integer("d_in")), config.Number("residual_threshold", 1e-2),
            config.Flag("stop_on_duplicate_support", true)),
        _ when architecture.StartsWith("jumprelu", StringComparison.Ordinal) => new Activation.JumpRelu(),
        _ => new Activation.Relu(),
    };

    private static InputNorm NormOf(ConfigFile config)
    {
        // Older versions say true or false; the factor is folded into the weights either way.
        if (!config.Has(Norm) || IsFlag(config, Norm))
            return InputNorm.None;
        return config.Text(Norm) switch
        {
            "none" or "expected_average_only_in" => InputNorm.None,
            "constant_norm_rescale" => InputNorm.ConstantNorm,
            "layer_norm" => InputNorm.LayerNorm,
            string other => throw config.Wrong(
                Norm, $"is '{other}', and known are none, expected_average_only_in, constant_norm_rescale, layer_norm"),
        };
    }

    private static bool FlattensHeads(ConfigFile config) =>
        config.Text("reshape_activations", Described(config, "hook_name") is null && config.Has("hook_point")
            && config.Text("hook_point").EndsWith("hook_z", StringComparison.Ordinal) ? "hook_z" : "none") switch
        {
            "none" => false,
            "hook_z" => true,
            string other => throw config.Wrong("reshape_activations", $"is '{other}', and known are none, hook_z"),
        };

    private static string? Described(ConfigFile config, string name) =>
        config.Section("metadata") is { } metadata && metadata.Has(name) ? metadata.Text(name)
        : config.Has(name) ? config.Text(name) : null;

    /// <summary>The head whose values are encoded; older versions call it otherwise.</summary>
    private static int? HeadOf(ConfigFile config)
    {
        (ConfigFile? section, string name) = config.Section("metadata") is { } metadata && metadata.Has(HeadIndex) ? (metadata, HeadIndex)
            : config.Has(HeadIndex) ? (config, HeadIndex)
            : config.Has("hook_point_head_index") ? (config, "hook_point_head_index")
            : (null, HeadIndex);
        double head = section?.Number(name) ?? -1;
        return section is null ? null
            : head is >= 0 and < int.MaxValue && head == Math.Floor(head) ? (int)head
            : throw section.Wrong(name, "is no head's number");
    }

    private static void Compare(ConfigFile config, string name, long size)
    {
        if (config.Has(name) && config.Integer(name) != size)
            throw config.Wrong(name, $"is {config.Integer(name)}, and its weights have {size}");
    }

    private static bool IsFlag(ConfigFile config, string name) => config.Properties.Any(property =>
        property.Name == name && property.Value.ValueKind is JsonValueKind.True or JsonValueKind.False);

    private static ScalarType? TypeOf(ConfigFile config) => !config.Has("dtype") ? null
        : config.Text("dtype").Replace("torch.", "", StringComparison.Ordinal) switch
        {
            "float32" => ScalarType.Float32,
            "float64" => ScalarType.Float64,
            "bfloat16" => ScalarType.BFloat16,
            "float16" => ScalarType.Float16,
            string other => throw config.Wrong("dtype", $"is '{other}', and known are float64, float32, bfloat16, float16"),
        };

    private static string NameOf(ScalarType type) => type switch
    {
        ScalarType.Float64 => "float64",
        ScalarType.BFloat16 => "bfloat16",
        ScalarType.Float16 => "float16",
        _ => "float32",
    };
}
