using System.Text.Json;
using Interventions.Models.Checkpoints;
using Interventions.Models.Decoder;
using Interventions.Runtime;

namespace Interventions.Models.Families;

/// <summary>
/// Llama (Touvron et al. 2023, arXiv:2302.13971 and 2307.09288; Grattafiori et al. 2024, arXiv:2407.21783): RMS norms, rotary positions,
/// grouped queries, gated SiLU.
/// </summary>
internal sealed class LlamaFamily : DecoderFamily
{
    public const string Type = "llama";

    public override string ModelType => Type;

    public override string Prefix => "model.";

    public override DecoderConfig Read(ConfigFile file)
    {
        int d_model = file.Integer("hidden_size"), heads = file.Integer("num_attention_heads");
        int kv_heads = file.Integer("num_key_value_heads", heads);
        if (heads % kv_heads != 0)
            throw file.Wrong("num_key_value_heads", $"is {kv_heads}, which does not divide {heads} query heads");
        if (!file.Has("head_dim") && d_model % heads != 0)
            throw file.Wrong("hidden_size", $"is {d_model}, which {heads} heads do not divide");
        int d_head = file.Integer("head_dim", d_model / heads);
        if (d_head % 2 != 0)
            throw file.Wrong("head_dim", $"is {d_head}, and rotary positions need an even number");
        int context = file.Integer("max_position_embeddings", 2048);
        bool bias = file.Flag("attention_bias", false);
        return new DecoderConfig
        {
            Family = Type,
            Layers = file.Integer("num_hidden_layers"),
            Heads = heads,
            KvHeads = kv_heads,
            DHead = d_head,
            DModel = d_model,
            Neurons = file.Integer("intermediate_size"),
            VocabularySize = file.Integer("vocab_size"),
            ContextLength = context,
            Norm = NormKind.RmsNorm,
            NormEpsilon = file.Number("rms_norm_eps", 1e-6),
            Activation = ActivationNames.Read(file, "hidden_act", "silu"),
            GatedMlp = true,
            Rotary = RotaryOptions.Read(file, 10000, context),
            ScoreScale = 1 / Math.Sqrt(d_head),
            QkvBias = bias,
            AttentionOutBias = bias,
            MlpBias = file.Flag("mlp_bias", false),
            TiedUnembedding = file.Flag("tie_word_embeddings", false),
        };
    }

    public override void Write(DecoderConfig config, Utf8JsonWriter json)
    {
        json.WriteStartArray("architectures");
        json.WriteStringValue("LlamaForCausalLM");
        json.WriteEndArray();
        json.WriteBoolean("attention_bias", config.QkvBias);
        json.WriteNumber("head_dim", config.DHead);
        json.WriteString("hidden_act", ActivationNames.Of(config.Activation));
        json.WriteNumber("hidden_size", config.DModel);
        json.WriteNumber("intermediate_size", config.Neurons);
        json.WriteNumber("max_position_embeddings", config.ContextLength);
        json.WriteBoolean("mlp_bias", config.MlpBias);
        json.WriteNumber("num_attention_heads", config.Heads);
        json.WriteNumber("num_hidden_layers", config.Layers);
        json.WriteNumber("num_key_value_heads", config.KvHeads);
        json.WriteNumber("rms_norm_eps", config.NormEpsilon);
        RotaryOptions.Write(config.Rotary!, json);
        json.WriteBoolean("tie_word_embeddings", config.TiedUnembedding);
        json.WriteNumber("vocab_size", config.VocabularySize);
    }

    public override IEnumerable<WeightSource> Weights(DecoderConfig config)
    {
        long queries = (long)config.Heads * config.DHead, keys = (long)config.KvHeads * config.DHead;
        yield return new("embed.weight", $"{Prefix}embed_tokens.weight");
        for (int layer = 0; layer < config.Layers; layer++)
        {
            string block = $"blocks.{layer}", stored = $"{Prefix}layers.{layer}", attention = $"{stored}.self_attn", mlp = $"{stored}.mlp";
            yield return new($"{block}.ln1.gain", $"{stored}.input_layernorm.weight");
            yield return new($"{block}.ln2.gain", $"{stored}.post_attention_layernorm.weight");
            foreach (string kind in Kinds(config.QkvBias))
            {
                yield return new(
                    $"{block}.attn.qkv.{kind}",
                    [
                        new($"{attention}.q_proj.{kind}", queries), new($"{attention}.k_proj.{kind}", keys),
                        new($"{attention}.v_proj.{kind}", keys),
                    ],
                    Transposed: false);
            }
            foreach (string kind in Kinds(config.AttentionOutBias))
                yield return new($"{block}.attn.out.{kind}", $"{attention}.o_proj.{kind}");
            foreach (string kind in Kinds(config.MlpBias))
            {
                yield return new($"{block}.mlp.gate.{kind}", $"{mlp}.gate_proj.{kind}");
                yield return new($"{block}.mlp.in.{kind}", $"{mlp}.up_proj.{kind}");
                yield return new($"{block}.mlp.out.{kind}", $"{mlp}.down_proj.{kind}");
            }
        }
        yield return new("ln_final.gain", $"{Prefix}norm.weight");
        if (!config.TiedUnembedding)
            yield return new("unembed.weight", "lm_head.weight");
    }

    public override bool Ignores(string name, DecoderConfig config) =>
        name.EndsWith("rotary_emb.inv_freq", StringComparison.Ordinal) || (config.TiedUnembedding && name == "lm_head.weight");

    private static string[] Kinds(bool bias) => bias ? ["weight", "bias"] : ["weight"];
}
