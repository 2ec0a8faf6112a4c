using Interventions.Generators.Tests.Testing;

namespace Interventions.Generators.Tests.Rules;

public sealed class ShapesTests
{
    [Fact]
    public Task A_declaration_with_shapes_is_silent() => Analysis.Check(Sources.Model, Sources.Prompts, Sources.Shaped);

    [Theory]
    [InlineData(
        "[d_head] does not broadcast to 'embed', which has [batch, pos, d_model]",
        """[Add("embed")] [[|Shape("d_head")|]] required public Tensor D { get; init; }""")]
    [InlineData(
        "[d_modle] does not broadcast to 'embed', which has [batch, pos, d_model]; did you mean 'd_model'?",
        """[Add("embed")] [[|Shape("d_modle")|]] required public Tensor D { get; init; }""")]
    [InlineData(
        "[d_head] does not broadcast to 'embed'",
        """[Add("blocks.0.attn.z"), ProjectOut("embed")] [[|Shape("d_head")|]] required public Tensor D { get; init; }""")]
    [InlineData(
        "[head, batch, pos, d_model] does not broadcast to 'embed'",
        """[Add("embed")] [[|Shape("head", "batch", "pos", "d_model")|]] required public Tensor D { get; init; }""")]
    [InlineData("Toy has no axis 'neurn'; did you mean 'neuron'?", """[[|Shape("neurn")|]] required public Tensor D { get; init; }""")]
    [InlineData("'D' is no Tensor, so it has no shape", """[[|Shape("d_model")|]] required public double D { get; init; }""")]
    [InlineData(
        "'x' has shape [batch, pos, d_model], not [pos, d_model]",
        """[Patch("embed")] static Tensor P([[|Shape("pos", "d_model")|]] Tensor x) => x;""")]
    [InlineData(
        "'x' has shape [batch, pos, head, d_head], not [batch, pos, d_head]",
        """[Capture("blocks.0.attn.z[head=1]")] static Tensor C([[|Shape("batch", "pos", "d_head")|]] Tensor x) => x;""")]
    [InlineData(
        "'y' has shape [batch, head, query, key], not [batch, pos, d_model]",
        """[Patch("embed")] static Tensor P([From("clean", "blocks.0.attn.pattern")][[|Shape("batch", "pos", "d_model")|]] Tensor y) """
            + """=> y;""")]
    [InlineData("'y' has shape [batch, vocab], not [batch]", """[Metric] static Tensor M([Logits][[|Shape("batch")|]] Tensor y) => y;""")]
    [InlineData(
        "what metric 'M' returns has shape [batch], not [batch, pos]",
        """[Metric] [return: [|Shape("batch", "pos")|]] static Tensor M([Logits] Tensor y) => y;""")]
    [InlineData(
        "[pos, d_head] does not broadcast to 'embed[pos=end]'",
        """[Patch("embed[pos=end]")] [return: [|Shape("pos", "d_head")|]] static Tensor P(Tensor y) => y;""")]
    [InlineData(
        "what 'C' returns is kept prompt by prompt, [batch, …], not [d_model]",
        """[Capture("embed")] [return: [|Shape("d_model")|]] static Tensor C(Tensor y) => y;""")]
    [InlineData("'Help' is no declared method", """static Tensor Help([[|Shape("d_model")|]] Tensor y) => y;""")]
    public Task A_shape_that_does_not_fit_is_refused(string message, string members) => Analysis.Fires(
        "INV233", message, Sources.Model, Sources.Prompts, Sources.Intervention(members));

    [Fact]
    public Task Features_have_a_shape_too() => Analysis.Fires(
        "INV233", "'f' has shape [batch, pos, feature], not [batch, pos, features]; did you mean 'feature'?", Sources.Model, Sources.Prompts, Sources.Intervention("""
            [Splice("embed")] required public ISplice Sae { get; init; }
            [Capture("embed.sae.features")] static Tensor C([[|Shape("batch", "pos", "features")|]] Tensor f) => f;
            """));

    [Theory]
    [InlineData(
        "INV235", "a mask for 'blocks.*.attn.z' has no axis 'heads'; its axes are layer, pos, head and d_head", "",
        """[Mix("blocks.*.attn.z", "layer", "[|heads|]")] required public Tensor M { get; init; }""")]
    [InlineData(
        "INV235", "stand in the order layer, pos, head and d_head, each once", "",
        """[Mix("blocks.*.attn.z", "head", "[|layer|]")] required public Tensor M { get; init; }""")]
    [InlineData(
        "INV235", "has no axis 'layer', since the path names one layer at a time", "",
        """[Mix("blocks.{l}.attn.z", "[|layer|]")] required public Tensor M { get; init; }""")]
    [InlineData("INV235", "has no axis 'batch'", "", """[Mix("embed", "[|batch|]")] required public Tensor M { get; init; }""")]
    [InlineData(
        "INV233", "mask 'M' has shape [layer, head], not [head]", "",
        """[Mix("blocks.*.attn.z", "layer", "head"), [|Shape("head")|]] required public Tensor M { get; init; }""")]
    public Task A_mask_that_does_not_fit_is_refused(string id, string message, string attributes, string members) =>
        Analysis.Fires(id, message, Sources.Model, Sources.Prompts, Sources.Intervention(members, attributes));

    [Theory]
    [InlineData("", """[Mix("blocks.*.attn.z", "layer", "head"), Shape("layer", "head")] required public Tensor M { get; init; }""")]
    [InlineData("", """[Mix("blocks.{l}.attn.pattern[query=end]", "head", "key"), Mix("embed")] required public Tensor M { get; init; }""")]
    public Task Masks_that_fit_are_silent(string attributes, string members) =>
        Analysis.Check(Sources.Model, Sources.Prompts, Sources.Intervention(members, attributes));
}
