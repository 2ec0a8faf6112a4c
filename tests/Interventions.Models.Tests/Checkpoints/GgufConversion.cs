using Interventions.Models.Decoder;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Models.Tests.Checkpoints;

/// <summary>
/// A model as llama.cpp's converters write it: their names, keys, orders of rows and offsets, told here apart from the loader's tables.
/// That llama.cpp reads the same model shows that they are right (<see cref="LlamaCppTests"/>).
/// </summary>
internal sealed class GgufConversion
{
    private static readonly Dictionary<string, string> s_architectures = new()
    {
        ["gpt2"] = "gpt2",
        ["gpt_neox"] = "gptneox",
        ["bloom"] = "bloom",
        ["phi"] = "phi2",
        ["phi3"] = "phi3",
        ["llama"] = "llama",
        ["mistral"] = "llama",
        ["mixtral"] = "llama",
        ["qwen2"] = "qwen2",
        ["qwen3"] = "qwen3",
        ["qwen3_moe"] = "qwen3moe",
        ["gemma"] = "gemma",
        ["gemma2"] = "gemma2",
        ["gemma3_text"] = "gemma3",
        ["olmo"] = "olmo",
        ["olmo2"] = "olmo2",
        ["stablelm"] = "stablelm",
        ["granite"] = "granite",
    };

    private static readonly Dictionary<string, string> s_names = new()
    {
        ["embed"] = "token_embd",
        ["embed_norm"] = "token_embd_norm",
        ["pos_embed"] = "position_embd",
        ["ln1"] = "attn_norm",
        ["ln2"] = "ffn_norm",
        ["ln1_post"] = "post_attention_norm",
        ["ln2_post"] = "post_ffw_norm",
        ["attn.q_norm"] = "attn_q_norm",
        ["attn.k_norm"] = "attn_k_norm",
        ["attn.out"] = "attn_output",
        ["mlp.gate"] = "ffn_gate",
        ["mlp.in"] = "ffn_up",
        ["mlp.out"] = "ffn_down",
        ["mlp.router"] = "ffn_gate_inp",
        ["mlp.experts.gate"] = "ffn_gate_exps",
        ["mlp.experts.in"] = "ffn_up_exps",
        ["mlp.experts.out"] = "ffn_down_exps",
        ["ln_final"] = "output_norm",
        ["unembed"] = "output",
    };

    private readonly DecoderModel _model;
    private readonly DecoderConfig _config;
    private readonly string _family;
    private readonly Func<string, uint> _typeOf;
    private readonly GgufBuilder _file = new();

    private GgufConversion(DecoderModel model, Func<string, uint>? typeOf)
    {
        (_model, _config, _family, _typeOf) = (model, model.Config, model.Config.Family, typeOf ?? (_ => 0));
    }

    /// <summary>Whether llama.cpp knows the family.</summary>
    public static bool Knows(string family) => s_architectures.ContainsKey(family);

    /// <summary>What of a configuration GGUF files can say. The rest is the architecture's own.</summary>
    public static DecoderConfig Said(DecoderConfig config) => config.Family switch
    {
        "gpt2" => config with { Activation = Activation.GeluTanh, ScoreScaleByLayer = false },
        "mistral" => config with { Family = "llama", Window = null },
        "qwen2" or "qwen3" => config with { Window = null, GlobalLayers = default },
        "gemma2" or "gemma3_text" => config with { ScoreScale = 1 / Math.Sqrt(config.DHead) },
        _ => config,
    };

    /// <summary>The file.</summary>
    /// <param name="model">The model.</param>
    /// <param name="typeOf">The type to store a tensor in, by its GGUF name. Default: F32.</param>
    public static GgufBuilder Of(DecoderModel model, Func<string, uint>? typeOf = null)
    {
        GgufConversion conversion = new(model, typeOf);
        conversion.WriteKeys();
        conversion.WriteTensors();
        return conversion._file;
    }

    private void WriteKeys()
    {
        string architecture = s_architectures[_family];
        void Key(string name, object value) => _file[$"{architecture}.{name}"] = value;

        _file["general.architecture"] = architecture;
        _file["general.name"] = "tiny";
        Key("block_count", (uint)_config.Layers);
        Key("context_length", (uint)(_family == "bloom" ? _config.DModel : _config.ContextLength));
        Key("embedding_length", (uint)_config.DModel);
        Key("feed_forward_length", (uint)(_family == "qwen3_moe" ? 2 * _config.Neurons : _config.Neurons));
        Key("attention.head_count", (uint)_config.Heads);
        if (_family is not ("gpt2" or "gpt_neox"))
            Key("attention.head_count_kv", (uint)_config.KvHeads);
        Key("vocab_size", (uint)_config.VocabularySize);
        Key(_config.Norm == NormKind.RmsNorm ? "attention.layer_norm_rms_epsilon" : "attention.layer_norm_epsilon",
            (float)_config.NormEpsilon);
        if (_family is "gemma" or "gemma2" or "gemma3_text" or "qwen3" or "qwen3_moe" || _config.DHead != _config.DModel / _config.Heads)
        {
            Key("attention.key_length", (uint)_config.DHead);
            Key("attention.value_length", (uint)_config.DHead);
        }
        if (_config.Rotary is { } rotary)
            WriteRotary(rotary, Key);
        if (_config.Experts is { } experts)
        {
            Key("expert_count", (uint)experts.Count);
            Key("expert_used_count", (uint)experts.Chosen);
        }
        WriteOwn(Key);
    }

    private void WriteRotary(RotaryConfig rotary, Action<string, object> key)
    {
        // Some converters leave the usual base out.
        if (_family is not ("phi" or "gpt_neox" or "stablelm" or "gemma" or "gemma2") || rotary.Theta != 10000)
            key("rope.freq_base", (float)rotary.Theta);
        if (_family is not ("qwen2" or "qwen3" or "qwen3_moe" or "gemma" or "gemma2" or "gemma3_text" or "olmo" or "olmo2"))
            key("rope.dimension_count", (uint)rotary.WidthIn(_config.DHead));
        if (rotary.Scaling is RotaryScaling.Linear linear)
        {
            key("rope.scaling.type", "linear");
            key("rope.scaling.factor", (float)linear.Factor);
        }
    }

    /// <summary>The keys that one family has.</summary>
    private void WriteOwn(Action<string, object> key)
    {
        switch (_family)
        {
            case "gpt_neox":
                key("use_parallel_residual", _config.Block == BlockKind.Parallel);
                break;
            case "stablelm":
                key("use_parallel_residual", true);    // said so even where it is not
                break;
            case "phi3":
                key("rope.scaling.original_context_length", (uint)_config.ContextLength);
                key("attention.sliding_window", (uint)(_config.Window ?? 0));
                break;
            case "qwen3_moe":
                key("expert_feed_forward_length", (uint)_config.Neurons);
                break;
            case "gemma2":
                key("attn_logit_softcapping", (float)_config.ScoreCap!);
                key("final_logit_softcapping", (float)_config.LogitCap!);
                key("attention.sliding_window", (uint)_config.Window!);
                break;
            case "gemma3_text":
                key("attention.sliding_window", (uint)_config.Window!);
                key("attention.sliding_window_pattern", (uint)_config.GlobalLayers[0] + 1);
                break;
            case "olmo":
                key("attention.clamp_kqv", (float)_config.QkvClip!);
                break;
            case "granite":
                key("attention.scale", (float)_config.ScoreScale);
                key("embedding_scale", (float)_config.EmbeddingScale);
                key("residual_scale", (float)_config.ResidualScale);
                key("logit_scale", (float)_config.LogitDivisor);
                break;
        }
    }

    private void WriteTensors()
    {
        using DisposeScope scope = NewDisposeScope();
        foreach ((string weight, Tensor value) in _model.Weights)
        {
            string[] words = weight.Split('.');
            bool isInBlock = words[0] == "blocks";
            string kind = words[^1] == "gain" ? "weight" : words[^1];
            string name = string.Join('.', words[(isInBlock ? 2 : 0)..^1]), prefix = isInBlock ? $"blk.{words[1]}." : "";
            Tensor stored = words[^1] == "gain" && _config.GainsAboveOne ? value + 1 : value;
            if (name == "attn.qkv")
                AddAttention(prefix, kind, stored);
            else if (_family == "phi3" && name is "mlp.gate")
                Add($"{prefix}ffn_up.weight", cat([stored, _model.Weights[weight.Replace("gate", "in", StringComparison.Ordinal)]]));
            else if (_family == "phi3" && name is "mlp.in")
                continue;
            else if (_config.QkNorm == QkNorm.GainForEachHead && name is "attn.q_norm" or "attn.k_norm")
                Add($"{prefix}{s_names[name]}.{kind}", stored.reshape(-1, _config.DHead));
            else
                Add($"{prefix}{s_names[name]}.{kind}", stored);
        }
        if (_config.Rotary is { Scaling: RotaryScaling.Llama3 } rotary)
        {
            double[] plain = (rotary with { Scaling = null }).Frequencies(_config.DHead), scaled = rotary.Frequencies(_config.DHead);
            Add("rope_freqs.weight", tensor(plain.Zip(scaled, (a, b) => (float)(a / b)).ToArray()));
        }
    }

    /// <summary>
    /// Queries, keys and values, fused or not. Llama-like families have rows 0, d/2, 1, d/2 + 1 and so on of each head's queries and keys.
    /// </summary>
    private void AddAttention(string prefix, string kind, Tensor qkv)
    {
        if (_family is "gpt2" or "gpt_neox" or "bloom" or "phi3")
        {
            Add($"{prefix}attn_qkv.{kind}", qkv);
            return;
        }
        long queries = (long)_config.Heads * _config.DHead, keys = (long)_config.KvHeads * _config.DHead;
        Tensor[] parts = qkv.split([queries, keys, keys]);
        bool isPaired = _family is "llama" or "mistral" or "mixtral" or "granite" or "olmo";
        Add($"{prefix}attn_q.{kind}", isPaired ? Paired(parts[0], _config.Heads) : parts[0]);
        Add($"{prefix}attn_k.{kind}", isPaired ? Paired(parts[1], _config.KvHeads) : parts[1]);
        Add($"{prefix}attn_v.{kind}", parts[2]);
    }

    private static Tensor Paired(Tensor rows, int heads)
    {
        long d = rows.shape[0] / heads;
        long[] sources = [.. Enumerable.Range(0, (int)rows.shape[0]).Select(row => row / d * d + (row % 2 * (d / 2)) + (row % d / 2))];
        return rows.index_select(0, tensor(sources));
    }

    private void Add(string name, Tensor value)
    {
        float[] numbers = value.cpu().contiguous().to_type(ScalarType.Float32).data<float>().ToArray();
        uint type = _typeOf(name);
        _file.Tensors.Add((name, value.shape, type, GgufQuants.Store(type, numbers).Bytes));
    }
}
