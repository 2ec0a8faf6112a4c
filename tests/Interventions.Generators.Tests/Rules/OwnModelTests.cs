using System.Runtime.CompilerServices;
using Interventions.Generators.Tests.Testing;

namespace Interventions.Generators.Tests.Rules;

/// <summary>
/// The rules of order on models whose sites have names of their own: the order of the [Site] attributes says what is computed before what.
/// </summary>
public sealed class OwnModelTests
{
    private const string M = """[Metric] static Tensor M([Logit("S")] Tensor s) => s;""";

    private const string Model = """
        namespace Study;

        [ModelSchema, Axis("layer", 3), Axis("d_model", 8)]
        [Site("words", "batch", "pos", "d_model"), Site("places", "batch", "pos", "d_model", SameStep = true)]
        [Site("tower.{layer}.start", "batch", "pos", "d_model"), Site("tower.{layer}.probe", "batch", "pos", "d_model", Beside = true)]
        [Site("tower.{layer}.left", "batch", "pos", "d_model"), Site("tower.{layer}.right", "batch", "pos", "d_model", SameStep = true)]
        [Site("tower.{layer}.end", "batch", "pos", "d_model")]
        [Site("annex.{layer}.end", "batch", "pos", "d_model")]
        [Site("pool", "batch", "pos", "d_model"), Site("scores", "batch", "pos", "d_model")]
        public abstract partial class Toy : Interventions.ModelGraphs.HookedModel;
        """;

    [Theory]
    [InlineData(
        "INV212", "'tower.1.start' is not downstream of 'tower.1.left'", """[PathPatch("tower.1.left", "[|tower.1.start|]")]""", "")]
    [InlineData(
        "INV212", "'tower.1.right' is not downstream of 'tower.1.left'", """[PathPatch("tower.1.left", "[|tower.1.right|]")]""", "")]
    [InlineData("INV212", "'tower.0.end' is not downstream", """[PathPatch("tower.1.start", "[|tower.0.end|]", "pool")]""", "")]
    [InlineData("INV212", "'places' is not downstream of 'words'", """[PathPatch("words", "[|places|]")]""", "")]
    [InlineData("INV212", "'words' is not downstream", """[PathPatch("tower.{l}.left", "pool", "[|words|]")]""", "")]
    [InlineData("INV212", "'tower.1.left' is not downstream of 'annex.1.end'", """[PathPatch("annex.1.end", "[|tower.1.left|]")]""", "")]
    [InlineData(
        "INV213", "'tower.2.start', which it reads", "",
        M + """[Patch("tower.1.end")] static Tensor P([ValueOf("[|tower.2.start|]")] Tensor x) => x;""")]
    [InlineData(
        "INV213", "'pool', which it reads", "", M + """[Patch("tower.{l}.end")] static Tensor P([ValueOf("[|pool|]")] Tensor x) => x;""")]
    [InlineData(
        "INV221", "'tower.2.start'", "",
        """[Patch("[|tower.2.start|]")] static Tensor P(Tensor x) => x; [Capture("tower.1.end")] static Tensor C(Tensor x) => x;""")]
    [InlineData(
        "INV221", "'tower.1.left'", "",
        """[Patch("[|tower.1.left|]")] static Tensor P(Tensor x) => x; [Capture("tower.1.right")] static Tensor C(Tensor x) => x;""")]
    [InlineData(
        "INV221", "'tower.{l}.end'", "",
        """[Patch("[|tower.{l}.end|]")] static Tensor P(Tensor x) => x; [Capture("tower.{l}.left")] static Tensor C(Tensor x) => x;""")]
    [InlineData(
        "INV221", "'pool'", "",
        """[Patch("[|pool|]")] static Tensor P(Tensor x) => x; [Capture("annex.*.end")] static Tensor C(Tensor x) => x;""")]
    [InlineData(
        "INV230", "'tower.1.probe' lies beside the model's ordinary path", "",
        M + """[Splice("[|tower.1.probe|]")] required public ISplice Sae { get; init; }""")]
    [InlineData(
        "INV230", "'tower.1.end' is computed after 'tower.1.left'", "",
        M + """[Splice("tower.1.left", Reads = "[|tower.1.end|]")] required public ISplice Sae { get; init; }""")]
    public Task The_order_of_a_users_sites_is_checked(string id, string message, string attributes, string members) =>
        Analysis.Fires(id, message, Model, Sources.Prompts, Sources.Intervention(members, attributes));

    [Theory]
    [InlineData("""[PathPatch("tower.1.start", "tower.1.right", "annex.1.end", "tower.2.start", "scores")]""", "")]
    [InlineData("""[PathPatch("words", "tower.0.start")]""", "")]
    [InlineData("""[PathPatch("tower.{l}.start", "tower.{l}.end", "pool")]""", "")]
    // Nothing says whether the annex is computed with the tower, layer by layer, or after it.
    [InlineData("""[PathPatch("annex.0.end", "tower.1.start"), PathPatch("tower.1.start", "annex.0.end")]""", "")]
    [InlineData(
        "", M + """[Patch("tower.1.end")] static Tensor P([ValueOf("tower.1.start")] Tensor x, [ValueOf("words")] Tensor y) => x + y;""")]
    [InlineData("", """[Patch("tower.1.left")] static Tensor P(Tensor x) => x; [Capture("tower.1.end")] static Tensor C(Tensor x) => x;""")]
    [InlineData(
        "",
        """[Patch("tower.2.left")] static Tensor P(Tensor x) => x; [Capture("tower.*.right")] static Tensor C(Tensor x) => x; """
            + """[Capture("pool")] static Tensor D(Tensor x) => x;""")]
    [InlineData(
        "", """[Patch("tower.{l}.end")] static Tensor P(Tensor x) => x; [Capture("annex.{l}.end")] static Tensor C(Tensor x) => x;""")]
    // No site has the name that the logits have elsewhere: metrics read what comes out of the model.
    [InlineData("", """[Patch("scores")] static Tensor P(Tensor x) => x;""" + M)]
    [InlineData(
        "", """[Splice("tower.1.end", Reads = "tower.1.start")] required public ISplice Sae { get; init; }"""
            + """[Capture("tower.1.end.sae.features")] static Tensor C(Tensor x) => x;""")]
    public Task A_declaration_in_the_order_of_a_users_sites_is_silent(string attributes, string members) =>
        Analysis.Check(Model, Sources.Prompts, Sources.Intervention(members, attributes));

    [Theory]
    [InlineData("INV212", "GapFiller.cs", """[PathPatch("blocks.1.attn.z", "[|blocks.0.resid_post|]")]""", "")]
    [InlineData(
        "INV221", "GapFiller.cs", "",
        """[Patch("[|blocks.1.attn.z|]")] static Tensor P(Tensor z) => z; [Capture("blocks.*.attn.pattern")] static Tensor C(Tensor x) """
            + """=> x;""")]
    [InlineData("INV212", "ModularAddition.cs", """[PathPatch("mlp.pre", "[|attn.z|]")]""", "")]
    [InlineData(
        "INV221", "ModularAddition.cs", "",
        """[Patch("[|mlp.post|]")] static Tensor P(Tensor x) => x; [Capture("resid_mid")] static Tensor C(Tensor x) => x;""")]
    [InlineData("", "GapFiller.cs", """[PathPatch("blocks.0.attn.z", "blocks.1.resid_post")]""", "")]
    [InlineData(
        "", "GapFiller.cs", "",
        """[Patch("blocks.0.attn.z")] static Tensor P(Tensor z) => z; [Capture("blocks.*.attn.pattern")] static Tensor C(Tensor x) => """
            + """x; [Capture("blocks.*.resid_post")] static Tensor D(Tensor x) => x;""")]
    [InlineData("", "ModularAddition.cs", """[PathPatch("attn.z", "mlp.pre")]""", "")]
    [InlineData(
        "", "ModularAddition.cs", "",
        """[Patch("resid_mid")] static Tensor P(Tensor x) => x; [Capture("mlp.post")] static Tensor C(Tensor x) => x;""")]
    public Task The_examples_models_have_an_order(string id, string file, string attributes, string members)
    {
        string probe = $$"""
            namespace Study;
            [Intervention<Interventions.Examples.UserModel.{{Path.GetFileNameWithoutExtension(file)}}>] {{attributes}}
            public sealed partial class Probe { {{members}} }
            """;
        string model = "using System.Linq;\n" + File.ReadAllText(
            Path.Combine(Path.GetDirectoryName(Here())!, "../../../examples/UserModel", file));
        return id.Length == 0 ? Analysis.Check(model, probe) : Analysis.Fires(id, "", model, probe);
    }

    [Fact]
    public Task Sites_at_two_parts_have_no_order() => Analysis.Fires(
        "INV013", "the sites of 'Toy' stand at several parts of the type", Model,
        "namespace Study; [[|Site(\"more\", \"batch\")|], Site(\"most\", \"batch\")] partial class Toy;");

    [Fact]
    public Task Axes_at_another_part_are_silent() => Analysis.Check(Model, "namespace Study; [Axis(\"neuron\", 4)] partial class Toy;");

    private static string Here([CallerFilePath] string path = "") => path;
}
