namespace Interventions.Generators.Configs;

/// <summary>Sizes of a GPT-2.</summary>
internal sealed class Gpt2Config : ConfigFamily
{
    public override string ModelType => "gpt2";

    public override string Base => "Interventions.Models.Gpt2Model";

    protected override Sizes Read(ConfigObject config)
    {
        if (config.Flag("add_cross_attention", false))
            throw config.Wrong("add_cross_attention", "is true, and cross attention is not supported");
        int d_model = config.Integer("n_embd", 768), heads = config.Integer("n_head", 12);
        if (d_model % heads != 0)
            throw config.Wrong("n_embd", $"is {d_model}, which {heads} heads do not divide");
        return new Sizes(
            config.Integer("n_layer", 12), heads, heads, d_model / heads, d_model, config.Integer("n_inner", 4 * d_model),
            config.Integer("vocab_size", 50257));
    }
}
