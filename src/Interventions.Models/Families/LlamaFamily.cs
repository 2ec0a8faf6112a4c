using System.Text.Json;
using Interventions.Models.Decoder;

namespace Interventions.Models.Families;

internal sealed partial class LlamaFamily
{
    public override string Prefix => "model.";

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
