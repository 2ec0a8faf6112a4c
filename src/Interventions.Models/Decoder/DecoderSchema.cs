using Interventions.Runtime;

namespace Interventions.Models.Decoder;

/// <summary>The sites and axes that a decoder has.</summary>
public static class DecoderSchema
{
    /// <summary>The schema of a decoder.</summary>
    /// <param name="config">The decoder.</param>
    /// <param name="model">The model's name, for messages.</param>
    public static ModelSchema Of(DecoderConfig config, string model) => new(
        model,
        EquatableArray.Of(
            new AxisSize("layer", config.Layers),
            new AxisSize("head", config.Heads),
            new AxisSize("kv_head", config.KvHeads),
            new AxisSize("d_head", config.DHead),
            new AxisSize("d_model", config.DModel),
            new AxisSize("neuron", config.Neurons),
            new AxisSize("vocab", config.VocabularySize)),
        Sites(config).ToEquatableArray());

    private static IEnumerable<SiteDefinition> Sites(DecoderConfig config)
    {
        const string block = "blocks.{layer}";
        yield return Residual("embed");
        if (config.Rotary is null)
            yield return Residual("pos_embed");
        yield return Residual($"{block}.resid_pre");
        yield return Residual($"{block}.attn_in");
        foreach (string port in (string[])["q_input", "k_input", "v_input"])
            yield return Site($"{block}.attn.{port}", "batch", "pos", "head", "d_model");
        foreach (SiteDefinition norm in Norm($"{block}.ln1"))
            yield return norm;
        yield return Site($"{block}.attn.q", "batch", "pos", "head", "d_head");
        yield return Site($"{block}.attn.k", "batch", "pos", "kv_head", "d_head");
        yield return Site($"{block}.attn.v", "batch", "pos", "kv_head", "d_head");
        if (config.Rotary is not null)
        {
            yield return Site($"{block}.attn.rot_q", "batch", "pos", "head", "d_head");
            yield return Site($"{block}.attn.rot_k", "batch", "pos", "kv_head", "d_head");
        }
        yield return Site($"{block}.attn.scores", "batch", "head", "query", "key");
        yield return Site($"{block}.attn.pattern", "batch", "head", "query", "key");
        yield return Site($"{block}.attn.z", "batch", "pos", "head", "d_head");
        yield return Site($"{block}.attn.result", "batch", "pos", "head", "d_model");
        yield return Residual($"{block}.attn_out");
        yield return Residual($"{block}.resid_mid");
        yield return Residual($"{block}.mlp_in");
        foreach (SiteDefinition norm in Norm($"{block}.ln2"))
            yield return norm;
        yield return Site($"{block}.mlp.pre", "batch", "pos", "neuron");
        if (config.GatedMlp)
            yield return Site($"{block}.mlp.pre_linear", "batch", "pos", "neuron");
        yield return Site($"{block}.mlp.post", "batch", "pos", "neuron");
        yield return Residual($"{block}.mlp_out");
        yield return Residual($"{block}.resid_post");
        foreach (SiteDefinition norm in Norm("ln_final"))
            yield return norm;
        yield return Site("logits", "batch", "pos", "vocab");
    }

    private static IEnumerable<SiteDefinition> Norm(string name)
    {
        yield return Site($"{name}.scale", "batch", "pos", "one");
        yield return Residual($"{name}.normalized");
    }

    private static SiteDefinition Residual(string path) => Site(path, "batch", "pos", "d_model");

    private static SiteDefinition Site(string path, params string[] axes) => new(path, axes.ToEquatableArray());
}
