using Interventions.Models.Decoder;
using Interventions.Models.Families;
using Interventions.Sites;

namespace Interventions.Models.Tests.Families;

/// <summary>
/// What TransformerLens's and pyvene's names mean in each family. The definitions are those of the libraries' sources: where a hook point
/// stands in the forward pass, what it is multiplied with afterwards, and who reads it.
/// </summary>
public sealed class ForeignNamesTests
{
    /// <summary>The same numbers, read or written: the message offers the site.</summary>
    [Theory]
    [InlineData("gpt2", "hook_embed", "embed")]
    [InlineData("gpt2", "pos_embed.hook_out", "pos_embed")]
    [InlineData("bloom", "embed_ln.hook_out", "embed_norm")]
    [InlineData("gpt2", "blocks.1.hook_in", "blocks.1.resid_pre")]
    [InlineData("gpt2", "blocks.{layer}.hook_resid_mid", "blocks.{layer}.resid_mid")]
    [InlineData("gpt2", "blocks.*.hook_out", "blocks.*.resid_post")]
    [InlineData("gpt2", "blocks.1.ln1.hook_scale", "blocks.1.ln1.scale")]
    [InlineData("gpt2", "blocks.1.ln1.hook_out", "blocks.1.ln1.normalized")]
    [InlineData("gpt2", "blocks.1.ln1.hook_in", "blocks.1.attn_in")]
    [InlineData("gpt2", "blocks.1.ln2.hook_in", "blocks.1.mlp_in")]
    [InlineData("gpt2", "blocks.1.attn.hook_in", "blocks.1.ln1.normalized")]
    [InlineData("gpt2", "blocks.1.mlp.hook_in", "blocks.1.ln2.normalized")]
    [InlineData("gpt2", "blocks.1.attn.q.hook_out", "blocks.1.attn.q")]
    [InlineData("gpt2", "blocks.1.hook_v_input[head=1]", "blocks.1.attn.v_input[head=1]")]
    [InlineData("gpt2", "blocks.1.attn.hook_result", "blocks.1.attn.result")]
    [InlineData("gpt2", "blocks.1.hook_attn_out", "blocks.1.attn_out")]
    [InlineData("gpt2", "blocks.1.mlp.in.hook_out", "blocks.1.mlp.pre")]
    [InlineData("gpt2", "blocks.1.mlp.out.hook_in", "blocks.1.mlp.post")]
    [InlineData("gpt2", "ln_final.hook_out", "ln_final.normalized")]
    [InlineData("llama", "blocks.1.mlp.in.hook_out", "blocks.1.mlp.pre_linear")]
    [InlineData("llama", "blocks.1.mlp.gate.hook_out", "blocks.1.mlp.pre")]
    [InlineData("llama", "blocks.1.attn.hook_rot_k[kv_head=0]", "blocks.1.attn.rot_k[kv_head=0]")]
    [InlineData("gemma2", "blocks.1.hook_mlp_out", "blocks.1.mlp_out")]
    [InlineData("gemma2", "blocks.1.ln1_post.hook_out", "blocks.1.ln1_post.normalized")]
    [InlineData("olmo2", "blocks.1.ln1.hook_scale", "blocks.1.ln1_post.scale")]
    [InlineData("olmo2", "blocks.1.attn.hook_in", "blocks.1.attn_in")]
    [InlineData("mixtral", "blocks.1.mlp.hook_expert_weights", "blocks.1.mlp.router_probs")]
    [InlineData("gpt2", "blocks.1.block_output", "blocks.1.resid_post")]
    [InlineData("gpt2", "blocks.1.mlp_activation[neuron=1]", "blocks.1.mlp.post[neuron=1]")]
    [InlineData("gpt2", "blocks.1.attention_weight", "blocks.1.attn.pattern")]
    [InlineData("llama", "blocks.1.attention_input", "blocks.1.ln1.normalized")]
    [InlineData("llama", "blocks.1.head_key_output[kv_head=0]", "blocks.1.attn.k[kv_head=0]")]
    [InlineData("olmo2", "blocks.1.mlp_input", "blocks.1.mlp_in")]
    public void A_name_with_the_same_numbers_is_translated(string family, string path, string ours)
    {
        SiteProblem problem = Problem(family, path);
        Assert.Equal((ours, null), (problem.Suggestion, problem.Remark));
        Assert.EndsWith($"here the site is called '{ours.Split('[')[0]}'", problem.Message, StringComparison.Ordinal);
        Assert.Empty(SiteResolver.Resolve(ours, Schema(family), null).Problems);
    }

    /// <summary>The numbers are the same but for what the message, and the title of the fix, says.</summary>
    [Theory]
    [InlineData("gpt2", "blocks.1.attn.hook_attn_scores", "blocks.1.attn.scores", "masked scores read as 0, not as −∞")]
    [InlineData("gpt2", "blocks.1.hook_attn_in", "blocks.1.attn_in", "without an axis of heads")]
    [InlineData("granite", "blocks.1.attn.hook_out", "blocks.1.attn_out", "after the factor")]
    [InlineData("gpt2", "blocks.1.mlp_output", "blocks.1.mlp_out", "added to the residual stream")]
    [InlineData("gemma2", "unembed.hook_out", "logits", "behind the soft cap")]
    public void What_else_is_different_is_said(string family, string path, string ours, string remark)
    {
        SiteProblem problem = Problem(family, path);
        Assert.Equal(ours, problem.Suggestion);
        Assert.Contains(remark, problem.Remark, StringComparison.Ordinal);
        Assert.EndsWith($"'{ours}', {problem.Remark}", problem.Message, StringComparison.Ordinal);
    }

    /// <summary>Another value, or one that others read too: nothing is offered, and the message says what to write.</summary>
    [Theory]
    [InlineData("gpt2", "blocks.1.ln1.hook_normalized", "divide the norm's input, 'blocks.1.attn_in' (less its mean in a LayerNorm), by "
        + "'blocks.1.ln1.scale'")]
    [InlineData("llama", "blocks.*.ln2.hook_normalized", "'blocks.*.ln2.normalized' is behind them; divide the norm's input, 'blocks.*.mlp_in'")]
    [InlineData("olmo2", "blocks.1.ln1.hook_normalized", "'blocks.1.ln1_post.normalized' is behind them")]
    [InlineData("gpt2", "ln_final.hook_in", "behind the last block, 'blocks.11.resid_post'")]
    [InlineData("bloom", "hook_embed", "it is 'embed_norm' in a HookedTransformer, and 'embed' in a TransformerBridge")]
    [InlineData("gpt2", "blocks.1.hook_attn_in[head=2]", "'blocks.1.attn.q_input', 'blocks.1.attn.k_input' and 'blocks.1.attn.v_input'")]
    [InlineData("mistral", "blocks.1.hook_k_input", "it has one for each key/value head, and 'blocks.1.attn.k_input' one for each query head")]
    [InlineData("gpt2", "blocks.1.attn.q.hook_in", "'blocks.1.attn.q_input' is what one head reads for them, before the norm")]
    [InlineData("gptj", "blocks.1.mlp.hook_in", "'blocks.1.ln1.normalized' has the same values for both")]
    [InlineData("gptj", "blocks.1.ln1.hook_in", "'blocks.1.attn_in' and 'blocks.1.mlp_in', to be written alike")]
    [InlineData("gemma2", "blocks.1.attn.hook_out", "'blocks.1.attn_out', which is added to the residual stream, is behind that")]
    [InlineData("olmo2", "blocks.1.hook_mlp_out", "it is before the norm behind the block")]
    [InlineData("gemma2", "blocks.1.attention_output", "it is before the norm behind the block")]
    [InlineData("llama", "blocks.1.mlp_activation", "it is the activation of 'blocks.1.mlp.pre', which times 'blocks.1.mlp.pre_linear' is "
        + "'blocks.1.mlp.post'")]
    public void A_name_with_other_numbers_is_explained(string family, string path, string message)
    {
        SiteProblem problem = Problem(family, path);
        Assert.Null(problem.Suggestion);
        Assert.Contains(" of a value that no site has: ", problem.Message, StringComparison.Ordinal);
        Assert.Contains(message, problem.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gptj", "blocks.1.hook_resid_mid", "GPT-J's block adds attention and feed-forward to the same stream")]
    [InlineData("gpt2", "blocks.1.attn.hook_rot_q", "GPT-2 has no rotary positions")]
    [InlineData("gpt2", "blocks.1.ln1_post.hook_normalized", "GPT-2 has no norms behind its blocks")]
    [InlineData("mixtral", "blocks.1.mlp_activation", "Mixtral has experts, each with neurons of its own")]
    public void A_site_that_the_family_lacks_is_refused_with_the_reason(string family, string path, string reason) =>
        Assert.EndsWith(reason, Only(family, path).Message, StringComparison.Ordinal);

    /// <summary>A write that is translated must be one that can be resolved, whatever the family.</summary>
    [Fact]
    public void Every_suggestion_is_a_site_of_the_family()
    {
        string[] names =
        [
            "hook_in", "hook_out", "hook_resid_mid", "hook_mlp_in", "hook_attn_in", "hook_attn_out", "hook_mlp_out", "hook_k_input",
            "attn.hook_in", "attn.hook_out", "attn.hook_rot_q", "attn.hook_attn_scores", "attn.o.hook_in", "attn.o.hook_out",
            "ln1.hook_in", "ln1.hook_out", "ln1.hook_scale", "ln1.hook_normalized", "ln2.hook_in", "ln2.hook_out", "ln2_post.hook_out",
            "mlp.hook_in", "mlp.hook_out", "mlp.in.hook_in", "mlp.in.hook_out", "mlp.gate.hook_out", "mlp.out.hook_in", "mlp.hook_pre",
            "block_input", "block_output", "attention_input", "attention_output", "attention_weight", "query_output", "mlp_input",
            "mlp_output", "mlp_activation",
        ];
        int suggested = 0;
        foreach (DecoderFamily family in DecoderFamily.All)
        {
            ModelSchema schema = DecoderSchema.Of(family.Usual, family.Title);
            foreach (string name in names)
            {
                Assert.DoesNotContain(schema.Sites, site => site.Path == $"blocks.{{layer}}.{name}");
                if (Assert.Single(SiteResolver.Resolve($"blocks.0.{name}", schema, null).Problems).Suggestion is not { } suggestion)
                    continue;
                Assert.Empty(SiteResolver.Resolve(suggestion, schema, null).Problems);
                suggested++;
            }
        }
        Assert.True(suggested > 20 * DecoderFamily.All.Count);
    }

    private static SiteProblem Problem(string family, string path)
    {
        SiteProblem problem = Only(family, path);
        Assert.Equal(SiteProblemKind.ForeignSpelling, problem.Kind);
        return problem;
    }

    private static SiteProblem Only(string family, string path) =>
        Assert.Single(SiteResolver.Resolve(path, Schema(family), null).Problems);

    private static ModelSchema Schema(string family) => DecoderSchema.Of(DecoderFamily.Named(family).Usual, family);
}
