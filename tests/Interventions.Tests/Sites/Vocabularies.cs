using Interventions.Runtime;

namespace Interventions.Tests.Sites;

/// <summary>A model and a prompt set to compare paths with.</summary>
internal static class Vocabularies
{
    public static ModelSchema Gpt2Small { get; } = new(
        "Gpt2Small",
        EquatableArray.Of(new AxisSize("layer", 12), new AxisSize("head", 12), new AxisSize("d_model", 768), new AxisSize("neuron", 3072)),
        EquatableArray.Of(
            Site("embed", "batch", "pos", "d_model"),
            Site("pos_embed", "batch", "pos", "d_model"),
            Site("blocks.{layer}.resid_pre", "batch", "pos", "d_model"),
            Site("blocks.{layer}.ln1.scale", "batch", "pos", "one"),
            Site("blocks.{layer}.ln1.normalized", "batch", "pos", "d_model"),
            Site("blocks.{layer}.attn.q_input", "batch", "pos", "head", "d_model"),
            Site("blocks.{layer}.attn.q", "batch", "pos", "head", "d_head"),
            Site("blocks.{layer}.attn.scores", "batch", "head", "query", "key"),
            Site("blocks.{layer}.attn.pattern", "batch", "head", "query", "key"),
            Site("blocks.{layer}.attn.z", "batch", "pos", "head", "d_head"),
            Site("blocks.{layer}.attn_out", "batch", "pos", "d_model"),
            Site("blocks.{layer}.mlp.post", "batch", "pos", "neuron"),
            Site("blocks.{layer}.mlp_out", "batch", "pos", "d_model"),
            Site("ln_final.normalized", "batch", "pos", "d_model"),
            Site("logits", "batch", "pos", "vocab")));

    public static PromptVocabulary Ioi { get; } = new(
        "IoiPrompts", EquatableArray.Of("clean", "corrupted"), EquatableArray.Of("IO", "S1", "S2", "end"), EquatableArray.Of("IO", "S"));

    private static SiteDefinition Site(string path, params string[] axes) => new(path, axes.ToEquatableArray());
}
