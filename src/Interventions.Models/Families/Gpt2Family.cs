using System.Text.Json;
using System.Text.RegularExpressions;
using Interventions.Models.Checkpoints;
using Interventions.Models.Decoder;
using Interventions.Runtime;

namespace Interventions.Models.Families;

/// <summary>GPT-2 (Radford et al. 2019): layer norms, learned positions, projections stored <c>[in, out]</c>.</summary>
internal sealed partial class Gpt2Family : DecoderFamily
{
    public const string Type = "gpt2";

    public override string ModelType => Type;

    public override string Prefix => "transformer.";

    public override DecoderConfig Read(ConfigFile file)
    {
        if (file.Flag("add_cross_attention", false))
            throw file.Wrong("add_cross_attention", "is true, and cross attention is not supported");
        int d_model = file.Integer("n_embd", 768), heads = file.Integer("n_head", 12);
        if (d_model % heads != 0)
            throw file.Wrong("n_embd", $"is {d_model}, which {heads} heads do not divide");
        return new DecoderConfig
        {
            Family = Type,
            Layers = file.Integer("n_layer", 12),
            Heads = heads,
            KvHeads = heads,
            DHead = d_model / heads,
            DModel = d_model,
            Neurons = file.Integer("n_inner", 4 * d_model),
            VocabularySize = file.Integer("vocab_size", 50257),
            ContextLength = file.Integer("n_positions", file.Integer("n_ctx", 1024)),
            Norm = NormKind.LayerNorm,
            NormEpsilon = file.Number("layer_norm_epsilon", 1e-5),
            Activation = ActivationNames.Read(file, "activation_function", "gelu_new"),
            ScoreScale = file.Flag("scale_attn_weights", true) ? 1 / Math.Sqrt(d_model / heads) : 1,
            ScoreScaleByLayer = file.Flag("scale_attn_by_inverse_layer_idx", false),
            QkvBias = true,
            AttentionOutBias = true,
            MlpBias = true,
            TiedUnembedding = file.Flag("tie_word_embeddings", true),
        };
    }

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
