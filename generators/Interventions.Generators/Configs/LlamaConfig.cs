namespace Interventions.Generators.Configs;

/// <summary>Sizes of a Llama.</summary>
internal sealed class LlamaConfig : ConfigFamily
{
    public override string ModelType => "llama";

    public override string Base => "Interventions.Models.LlamaModel";

    protected override Sizes Read(ConfigObject config)
    {
        int d_model = config.Integer("hidden_size"), heads = config.Integer("num_attention_heads");
        int kv_heads = config.Integer("num_key_value_heads", heads);
        if (heads % kv_heads != 0)
            throw config.Wrong("num_key_value_heads", $"is {kv_heads}, which does not divide {heads} query heads");
        if (!config.Has("head_dim") && d_model % heads != 0)
            throw config.Wrong("hidden_size", $"is {d_model}, which {heads} heads do not divide");
        int d_head = config.Integer("head_dim", d_model / heads);
        if (d_head % 2 != 0)
            throw config.Wrong("head_dim", $"is {d_head}, and rotary positions need an even number");
        return new Sizes(
            config.Integer("num_hidden_layers"), heads, kv_heads, d_head, d_model, config.Integer("intermediate_size"), config.Integer("vocab_size"));
    }
}
