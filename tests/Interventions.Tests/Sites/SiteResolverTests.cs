using Interventions.Runtime;
using Interventions.Sites;
using static Interventions.Sites.SiteProblemKind;

namespace Interventions.Tests.Sites;

public sealed class SiteResolverTests
{
    [Theory]
    [InlineData("embed", "embed")]
    [InlineData("blocks.0.mlp_out", "blocks.{layer}.mlp_out")]
    [InlineData("blocks.-1.mlp_out", "blocks.{layer}.mlp_out")]
    [InlineData("blocks.*.attn.pattern[query=end; key=S1]", "blocks.{layer}.attn.pattern")]
    [InlineData("blocks.{layer=6..8}.attn.z[head={head}; pos=S1+1,-1]", "blocks.{layer}.attn.z")]
    [InlineData("blocks.[0,11].mlp.post[neuron=0,3071,-1]", "blocks.{layer}.mlp.post")]
    public void Finds(string path, string site)
    {
        SiteResolution resolution = SiteResolver.Resolve(SitePath.Parse(path), Vocabularies.Gpt2Small, Vocabularies.Ioi);

        Assert.Empty(resolution.Problems);
        Assert.True(resolution.IsSuccess);
        Assert.Equal(site, resolution.Site?.Path);
        Assert.Equal(site.Contains('{', StringComparison.Ordinal), resolution.Layer is not null);
    }

    [Theory]
    // A wrong segment.
    [InlineData(
        "blocks.1.mlp_outt", nameof(UnknownSite), "mlp_outt",
        "Gpt2Small has no site 'blocks.1.mlp_outt'; did you mean 'blocks.1.mlp_out'?")]
    [InlineData(
        "blocks.1.attn.zz[head=1]", nameof(UnknownSite), "zz", "Gpt2Small has no site 'blocks.1.attn.zz'; did you mean 'blocks.1.attn.z'?")]
    [InlineData(
        "block.1.mlp_out", nameof(UnknownSite), "block", "Gpt2Small has no site 'block.1.mlp_out'; did you mean 'blocks.1.mlp_out'?")]
    [InlineData(
        "blocks.*.mlp.out", nameof(UnknownSite), "mlp.out", "Gpt2Small has no site 'blocks.*.mlp.out'; did you mean 'blocks.*.mlp_out'?")]
    [InlineData(
        "blocks.1.attn.pattren", nameof(UnknownSite), "pattren",
        "Gpt2Small has no site 'blocks.1.attn.pattren'; did you mean 'blocks.1.attn.pattern'?")]
    [InlineData("Logits", nameof(UnknownSite), "Logits", "Gpt2Small has no site 'Logits'; did you mean 'logits'?")]
    [InlineData(
        "blocks.1.ln1.nothing", nameof(UnknownSite), "nothing",
        "Gpt2Small has no site 'blocks.1.ln1.nothing': after 'blocks.1.ln1' come scale and normalized")]
    [InlineData(
        "encoder.x", nameof(UnknownSite), "encoder",
        "Gpt2Small has no site 'encoder.x': its sites start with embed, pos_embed, blocks, ln_final and logits")]
    [InlineData("embed.x", nameof(UnknownSite), "x", "Gpt2Small has no site 'embed.x'; did you mean 'embed'?")]
    [InlineData("embed.token", nameof(UnknownSite), "token", "Gpt2Small has no site 'embed.token': nothing follows 'embed'")]
    [InlineData(
        "blocks.1.2.mlp_out", nameof(UnknownSite), "2",
        "Gpt2Small has no site 'blocks.1.2.mlp_out': after 'blocks.1' come resid_pre, ln1, attn, attn_out, mlp and mlp_out")]
    // A missing segment.
    [InlineData(
        "blocks.mlp_out", nameof(MissingSegment), "mlp_out",
        "a layer is missing in 'blocks.mlp_out': write 'blocks.0.mlp_out' … 'blocks.11.mlp_out', 'blocks.*.mlp_out' or "
            + "'blocks.{layer}.mlp_out'")]
    [InlineData(
        "blocks.mlp_outt", nameof(MissingSegment), "mlp_outt",
        "a layer is missing in 'blocks.mlp_outt': write 'blocks.0.mlp_out' … 'blocks.11.mlp_out', 'blocks.*.mlp_out' or "
            + "'blocks.{layer}.mlp_out'")]
    [InlineData(
        "mlp_out", nameof(MissingSegment), "mlp_out",
        "a layer is missing in 'mlp_out': write 'blocks.0.mlp_out' … 'blocks.11.mlp_out', 'blocks.*.mlp_out' or 'blocks.{layer}.mlp_out'")]
    [InlineData("blocks.3.z[head=1]", nameof(MissingSegment), "z", "a segment is missing in 'blocks.3.z'; did you mean 'blocks.3.attn.z'?")]
    [InlineData(
        "blocks.3.attn", nameof(MissingSegment), "attn",
        "'blocks.3.attn' is not a site: a segment is missing; after it come q_input, q, scores, pattern and z")]
    [InlineData("blocks", nameof(MissingSegment), "blocks", "'blocks' is not a site: a layer is missing, as in 'blocks.*'")]
    // A layer that does not exist.
    [InlineData(
        "blocks.12.mlp_out", nameof(LayerOutOfRange), "12",
        "layer 12 of 'blocks.12.mlp_out' is out of range: Gpt2Small has 12 layers (0 to 11)")]
    [InlineData(
        "blocks.-13.mlp_out", nameof(LayerOutOfRange), "-13",
        "layer -13 of 'blocks.-13.mlp_out' is out of range: Gpt2Small has 12 layers (0 to 11)")]
    [InlineData(
        "blocks.{layer=3,9..12}.attn.z[head=0]", nameof(LayerOutOfRange), "9..12",
        "layer 12 of 'blocks.{layer=3,9..12}.attn.z' is out of range: Gpt2Small has 12 layers (0 to 11)")]
    [InlineData(
        "blocks.[6..-9].mlp_out", nameof(LayerOutOfRange), "6..-9",
        "the range 6..-9 of 'blocks.[6..-9].mlp_out' is empty: Gpt2Small has 12 layers")]
    // Whatever else is wrong, a layer that does not exist has no site that was meant.
    [InlineData(
        "blocks.40.mlp_outt[head=1]", nameof(LayerOutOfRange), "40",
        "layer 40 of 'blocks.40.mlp_outt' is out of range: Gpt2Small has 12 layers (0 to 11)")]
    [InlineData(
        "blocks.40.z", nameof(LayerOutOfRange), "40", "layer 40 of 'blocks.40.z' is out of range: Gpt2Small has 12 layers (0 to 11)")]
    // Other libraries' names; those that depend on the model are in ForeignNamesTests of the models.
    [InlineData(
        "blocks.1.hook_mlp_out", nameof(ForeignSpelling), "hook_mlp_out",
        "'blocks.1.hook_mlp_out' is TransformerLens's spelling; here the site is called 'blocks.1.mlp_out'")]
    [InlineData(
        "blocks.1.attn.hook_z[head=2]", nameof(ForeignSpelling), "hook_z",
        "'blocks.1.attn.hook_z' is TransformerLens's spelling; here the site is called 'blocks.1.attn.z'")]
    [InlineData(
        "blocks.{l}.attn.hook_attn_scores", nameof(ForeignSpelling), "hook_attn_scores",
        "'blocks.{l}.attn.hook_attn_scores' is TransformerLens's spelling; here the site is called 'blocks.{l}.attn.scores', "
            + "where masked scores read as 0, not as −∞, and stay masked")]
    [InlineData(
        "blocks.1.hook_q_input", nameof(ForeignSpelling), "hook_q_input",
        "'blocks.1.hook_q_input' is TransformerLens's spelling; here the site is called 'blocks.1.attn.q_input'")]
    [InlineData(
        "hook_embed", nameof(ForeignSpelling), "hook_embed",
        "'hook_embed' is TransformerLens's spelling; here the site is called 'embed'")]
    [InlineData(
        "ln_final.hook_normalized", nameof(ForeignSpelling), "hook_normalized",
        "'ln_final.hook_normalized' is TransformerLens's name of a value that no site has: it is before the norm's gain and bias, and "
            + "'ln_final.normalized' is behind them; divide the norm's input, 'blocks.11.resid_post' (less its mean in a LayerNorm), by "
            + "'ln_final.scale'")]
    [InlineData(
        "blocks.1.attn.o.hook_in[head=2]", nameof(ForeignSpelling), "o.hook_in",
        "'blocks.1.attn.o.hook_in' is TransformerLens's spelling; here the site is called 'blocks.1.attn.z'")]
    [InlineData(
        "blocks.1.head_attention_value_output", nameof(ForeignSpelling), "head_attention_value_output",
        "'blocks.1.head_attention_value_output' is pyvene's spelling; here the site is called 'blocks.1.attn.z'")]
    [InlineData(
        "mlp_activation", nameof(ForeignSpelling), "mlp_activation",
        "'mlp_activation' is pyvene's spelling; here each block has the site: write 'blocks.0.mlp.post' … 'blocks.11.mlp.post', "
            + "'blocks.*.mlp.post' or 'blocks.{layer}.mlp.post'")]
    // Selectors.
    [InlineData(
        "blocks.1.mlp_out[position=end]", nameof(UnknownAxis), "position", "'blocks.1.mlp_out' has no axis 'position'; did you mean 'pos'?")]
    [InlineData(
        "blocks.1.mlp_out[token=1]", nameof(UnknownAxis), "token", "'blocks.1.mlp_out' has no axis 'token'; did you mean 'pos'?")]
    [InlineData(
        "blocks.1.attn.pattern[q=end]", nameof(UnknownAxis), "q", "'blocks.1.attn.pattern' has no axis 'q'; did you mean 'query'?")]
    [InlineData("blocks.1.mlp_out[head=2]", nameof(UnknownAxis), "head", "'blocks.1.mlp_out' has no axis 'head'; its axes are pos")]
    [InlineData(
        "blocks.1.attn.pattern[pos=end]", nameof(UnknownAxis), "pos",
        "'blocks.1.attn.pattern' has no axis 'pos'; its axes are head, query and key")]
    [InlineData(
        "blocks.1.attn.pattern[kye=end]", nameof(UnknownAxis), "kye", "'blocks.1.attn.pattern' has no axis 'kye'; did you mean 'key'?")]
    [InlineData(
        "blocks.1.mlp_out[d_model=2]", nameof(UnknownAxis), "d_model", "'blocks.1.mlp_out' has no axis 'd_model'; its axes are pos")]
    [InlineData(
        "blocks.1.attn.z[head=0,12]", nameof(IndexOutOfRange), "12",
        "head 12 of 'blocks.1.attn.z[head=0,12]' is out of range: Gpt2Small has 12 heads (0 to 11)")]
    [InlineData(
        "blocks.1.mlp.post[neuron=3072]", nameof(IndexOutOfRange), "3072",
        "neuron 3072 of 'blocks.1.mlp.post[neuron=3072]' is out of range: Gpt2Small has 3072 neurons (0 to 3071)")]
    [InlineData(
        "blocks.1.attn.z[head=end]", nameof(IndexOutOfRange), "end",
        "'end' in 'blocks.1.attn.z[head=end]' is not a head: only positions have names")]
    [InlineData(
        "embed[pos=ned]", nameof(UnknownPosition), "ned",
        "IoiPrompts has no position 'ned'; did you mean 'end'? Its positions are IO, S1, S2 and end")]
    [InlineData(
        "embed[pos=end,subject+1]", nameof(UnknownPosition), "subject",
        "IoiPrompts has no position 'subject'. Its positions are IO, S1, S2 and end")]
    [InlineData(
        "embed[pos=nw]", nameof(UnknownPosition), "nw",
        "IoiPrompts has no position 'nw'; did you mean 'new'? Its positions are IO, S1, S2 and end")]
    public void Says_what_is_wrong_and_where(string path, string kind, string where, string message)
    {
        SiteResolution resolution = SiteResolver.Resolve(SitePath.Parse(path), Vocabularies.Gpt2Small, Vocabularies.Ioi);

        SiteProblem problem = Assert.Single(resolution.Problems);
        Assert.Equal(message, problem.Message);
        Assert.Equal(kind, problem.Kind.ToString());
        Assert.Equal(where, path.Substring(problem.Start, problem.Length));
    }

    [Theory]
    [InlineData("blocks.1.mlp_outt[pos=end]", "blocks.1.mlp_out[pos=end]")]
    [InlineData("blocks.[1,3].mlp.out[pos=end]", "blocks.[1,3].mlp_out[pos=end]")]
    [InlineData("blocks.{layer}.attn.hook_z[head={head}]", "blocks.{layer}.attn.z[head={head}]")]
    [InlineData("blocks.1.hook_q_input[head=1]", "blocks.1.attn.q_input[head=1]")]
    [InlineData("blocks.3.z[head=1]", "blocks.3.attn.z[head=1]")]
    [InlineData("blocks.3.attn.z[haed=1; pos=end]", "blocks.3.attn.z[head=1; pos=end]")]
    [InlineData("embed[pos=S1,ned-1]", "embed[pos=S1,end-1]")]
    public void A_suggestion_resolves(string path, string suggestion)
    {
        SiteProblem problem = Assert.Single(SiteResolver.Resolve(path, Vocabularies.Gpt2Small, Vocabularies.Ioi).Problems);

        Assert.Equal(suggestion, problem.Suggestion);
        Assert.Empty(SiteResolver.Resolve(suggestion, Vocabularies.Gpt2Small, Vocabularies.Ioi).Problems);
    }

    [Fact]
    public void All_problems_of_a_path_are_told()
    {
        EquatableArray<SiteProblem> problems =
            SiteResolver.Resolve("blocks.12.attn.hook_z[head=99; pos=nowhere; key=0]", Vocabularies.Gpt2Small, Vocabularies.Ioi).Problems;

        Assert.Equal([LayerOutOfRange, ForeignSpelling, IndexOutOfRange, UnknownPosition, UnknownAxis], problems.Select(
            problem => problem.Kind));
    }

    [Fact]
    public void Positions_are_not_checked_without_prompts() =>
        Assert.Empty(SiteResolver.Resolve("embed[pos=nowhere]", Vocabularies.Gpt2Small, null).Problems);
}
