using System.Text.Json;
using System.Text.RegularExpressions;
using Interventions.Models.Decoder;

namespace Interventions.Models.Families;

internal sealed partial class Gpt2Family
{
    public override string Prefix => "transformer.";

    public override void Write(DecoderConfig config, Utf8JsonWriter json)
    {
        json.WriteStartArray("architectures");
        json.WriteStringValue("GPT2LMHeadModel");
        json.WriteEndArray();
        json.WriteString("activation_function", ActivationNames.Of(config.Activation));
        json.WriteNumber("layer_norm_epsilon", config.NormEpsilon);
        json.WriteNumber("n_embd", config.DModel);
        json.WriteNumber("n_head", config.Heads);
        json.WriteNumber("n_inner", config.Neurons);
        json.WriteNumber("n_layer", config.Layers);
        json.WriteNumber("n_positions", config.ContextLength);
        json.WriteBoolean("scale_attn_by_inverse_layer_idx", config.ScoreScaleByLayer);
        json.WriteBoolean("scale_attn_weights", config.ScoreScale != 1);
        json.WriteBoolean("tie_word_embeddings", config.TiedUnembedding);
        json.WriteNumber("vocab_size", config.VocabularySize);
    }

    public override IEnumerable<WeightSource> Weights(DecoderConfig config)
    {
        yield return new("embed.weight", $"{Prefix}wte.weight");
        yield return new("pos_embed.weight", $"{Prefix}wpe.weight");
        for (int layer = 0; layer < config.Layers; layer++)
        {
            string block = $"blocks.{layer}", stored = $"{Prefix}h.{layer}";
            foreach ((string norm, string name) in ((string, string)[])[("ln1", "ln_1"), ("ln2", "ln_2")])
            {
                yield return new($"{block}.{norm}.gain", $"{stored}.{name}.weight");
                yield return new($"{block}.{norm}.bias", $"{stored}.{name}.bias");
            }
            foreach ((string projection, string name) in ((string, string)[])
                [("attn.qkv", "attn.c_attn"), ("attn.out", "attn.c_proj"), ("mlp.in", "mlp.c_fc"), ("mlp.out", "mlp.c_proj")])
            {
                yield return new($"{block}.{projection}.weight", $"{stored}.{name}.weight", transposed: true);
                yield return new($"{block}.{projection}.bias", $"{stored}.{name}.bias");
            }
        }
        yield return new("ln_final.gain", $"{Prefix}ln_f.weight");
        yield return new("ln_final.bias", $"{Prefix}ln_f.bias");
        if (!config.TiedUnembedding)
            yield return new("unembed.weight", "lm_head.weight");
    }

    public override bool Ignores(string name, DecoderConfig config) =>
        CausalMask().IsMatch(name) || (config.TiedUnembedding && name == "lm_head.weight");

    [GeneratedRegex(@"^(transformer\.)?h\.\d+\.attn\.(masked_)?bias$")]
    private static partial Regex CausalMask();
}
