using Interventions.Models.Decoder;
using Interventions.Runtime;

namespace Interventions.Models.Families;

/// <summary>GPT-Neo (Black et al. 2021): a GPT-2 with a window in every second layer, and scores that are not divided.</summary>
internal static class GptNeoFamily
{
    private const string Kinds = "attention_layers", Width = "window_size", Local = "local", Global = "global";

    public static DecoderFamily Table { get; } = new()
    {
        Title = "GPT-Neo",
        Usual = Gpt2Family.Usual with
        {
            Family = "gpt_neo",
            VocabularySize = 50257,
            ContextLength = 2048,
            ScoreScale = 1,
            Wide = WideParts.Scores,
            QkvBias = false,
            Window = 256,
        },
        Model = "GptNeoModel",
        Architecture = "GPTNeoForCausalLM",
        Keys =
        [
            ConfigKeys.Layers("num_layers"),
            ConfigKeys.DModel("hidden_size"),
            ConfigKeys.Heads("num_heads"),
            ConfigKeys.HeadWidth(null),
            ConfigKeys.Derived(known => known with { ScoreScale = 1 }),
            ConfigKeys.Neurons("intermediate_size", known => 4 * known.DModel),
            ConfigKeys.Vocabulary("vocab_size"),
            ConfigKeys.Context("max_position_embeddings", known => known.ContextLength),
            ConfigKeys.Epsilon("layer_norm_epsilon"),
            ConfigKeys.Activation("activation_function"),
            Windows,
            ConfigKeys.Tied,
        ],
        Prefix = "transformer.",
        Tensors =
        [
            .. Gpt2Family.Table.Tensors.Where(names => names.Weight is "embed" or "pos_embed" or "ln_final" or "unembed"
                || names.Weight.Contains(".ln")),
            new(
                "blocks.*.attn.qkv", "transformer.h.*.attn.attention.q_proj", "transformer.h.*.attn.attention.k_proj",
                "transformer.h.*.attn.attention.v_proj"),
            new("blocks.*.attn.out", "transformer.h.*.attn.attention.out_proj"),
            new("blocks.*.mlp.in", "transformer.h.*.mlp.c_fc"),
            new("blocks.*.mlp.out", "transformer.h.*.mlp.c_proj"),
        ],
        IgnoredTensors = [".attn.attention.bias", ".attn.attention.masked_bias"],
    };

    /// <summary>The window, and for each layer whether it has it. <c>attention_types</c> is a shorter way to say the latter.</summary>
    private static ConfigKey Windows => new(
        [Kinds, Width, "attention_types"],
        (config, known) =>
        {
            IReadOnlyList<string> kinds = config.Texts(Kinds) ?? throw config.Wrong(Kinds, "is missing");
            if (kinds.Count != known.Layers)
                throw config.Wrong(Kinds, $"has {kinds.Count} entries, and there are {known.Layers} layers");
            if (kinds.FirstOrDefault(kind => kind is not (Local or Global)) is { } strange)
                throw config.Wrong(Kinds, $"has '{strange}'; supported are {Global}, {Local}");
            int[] global = [.. Enumerable.Range(0, known.Layers).Where(layer => kinds[layer] == Global)];
            return global.Length == known.Layers
                ? known with { Window = null, GlobalLayers = default }
                : known with { Window = config.Integer(Width, known.Window), GlobalLayers = global.ToEquatableArray() };
        },
        known =>
        {
            string[] kinds = [.. Enumerable.Range(0, known.Layers).Select(layer => known.WindowOf(layer) is null ? Global : Local)];
            return
            [
                (Kinds, kinds), ("attention_types", kinds.Select(kind => (object?)new object?[] { new[] { kind }, 1 })),
                (Width, known.Window ?? 256),
            ];
        });
}
