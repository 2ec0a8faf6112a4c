using Interventions.Generators.Tests.Testing;

namespace Interventions.Generators.Tests.Rules;

public sealed class NewTokensTests
{
    private const string Class = "namespace Study; [Intervention<Toy, IoiPrompts>] {0} public sealed partial class Probe {{ {1} }}";

    [Theory]
    [InlineData(
        "INV240", "No query of 'blocks.0.attn.pattern[query=end; key=new]' sees its keys",
        """[Zero("blocks.0.attn.pattern[query=end; key=[|new|]]")]""", "")]
    [InlineData(
        "INV240", "No query of 'blocks.0.attn.pattern[query=new+1; key=new+2..4]' sees its keys",
        """[Zero("blocks.0.attn.pattern[query=new+1; key=[|new+2..4|]]")]""", "")]
    [InlineData("INV240", "New tokens have no mean of their position; say Pooled = true", """[Mean("embed[pos=[|new|]]")]""", "")]
    [InlineData("INV240", "New tokens have no other prompt's value", """[Resample("embed[pos=[|end,new+1|]]")]""", "")]
    [InlineData(
        "INV240", "A gradient is of prompts", "",
        """[Metric] static Tensor M([Logit("S")] Tensor s) => s; [Gradient("embed[pos=[|new|]]")] static Tensor G(Tensor g) => g;""")]
    [InlineData(
        "INV240", "'blocks.1.mlp_out' selects the prompt, before which there is no new token", "",
        """[Patch("blocks.1.mlp_out")] static Tensor P([ValueOf("embed[pos=[|new|]]")] Tensor x) => x;""")]
    [InlineData("INV007", "a number of tokens follows '+', as in 'new+3'", """[Zero("embed[pos=new+[|x|]]")]""", "")]
    [InlineData("INV007", "the range 4..2 is empty; write 2..4", """[Zero("embed[pos=new+[|4..2|]]")]""", "")]
    [InlineData("INV007", "new tokens are counted from the first one", """[Zero("embed[pos=new[|-|]1]")]""", "")]
    [InlineData("INV007", "'prompt' is several tokens; 'end+1' is counted from one", """[Zero("embed[pos=prompt[|+|]1]")]""", "")]
    [InlineData(
        "INV008", "'prompt' is several positions; one is needed", "",
        """[Metric] static Tensor M([Logit("S", At = "[|prompt|]")] Tensor s) => s;""")]
    [InlineData("INV006", "'new' in 'blocks.0.attn.z[head=new]' is not a head", """[Zero("blocks.0.attn.z[head=[|new|]]")]""", "")]
    public Task New_tokens_without_a_value_are_refused(string id, string message, string attributes, string members) =>
        Analysis.Fires(id, message, Sources.Model, Sources.Prompts, string.Format(null, Class, attributes, members));

    [Theory]
    [InlineData("""[Zero("blocks.0.attn.pattern[query=new; key=new]"), Zero("blocks.0.attn.pattern[query=new+2; key=new+0..2]"), """
        + """Scale("embed[pos=prompt]", 2)]""", "")]
    [InlineData("""[Mean("embed[pos=new]", Pooled = true), Resample("embed[pos=prompt]"), """
        + """Freeze("blocks.{layer}.mlp_out[pos={t=new+0..4,end}]", From = "clean")]""", "")]
    [InlineData(
        "",
        """[Patch("blocks.1.mlp_out[pos=new]")] static Tensor P([ValueOf("embed[pos=new]")] Tensor x, """
            + """[From("clean", "embed[pos=end]")] Tensor y) => x; [Metric] static Tensor M([Logit("S", At = "new")] Tensor s, """
                + """[Logits(At = "new+3")] Tensor t) => s;""")]
    public Task New_tokens_that_can_occur_are_silent(string attributes, string members) =>
        Analysis.Check(Sources.Model, Sources.Prompts, string.Format(null, Class, attributes, members));
}
