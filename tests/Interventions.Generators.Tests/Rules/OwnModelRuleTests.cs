using System.Runtime.CompilerServices;
using Interventions.Generators.Tests.Testing;

namespace Interventions.Generators.Tests.Rules;

/// <summary>
/// The rules of order on models whose sites have names of their own: the order of the [Site] attributes says what is computed before what.
/// </summary>
public sealed class OwnModelRuleTests
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
    [InlineData("'tower.1.start' is not downstream of 'tower.1.left'", "\"tower.1.left\", \"[|tower.1.start|]\"")]
    [InlineData("'tower.1.right' is not downstream of 'tower.1.left'", "\"tower.1.left\", \"[|tower.1.right|]\"")]
    [InlineData("'tower.0.end' is not downstream", "\"tower.1.start\", \"[|tower.0.end|]\", \"pool\"")]
    [InlineData("'places' is not downstream of 'words'", "\"words\", \"[|places|]\"")]
    [InlineData("'words' is not downstream", "\"tower.{l}.left\", \"pool\", \"[|words|]\"")]
    [InlineData("'tower.1.left' is not downstream of 'annex.1.end'", "\"annex.1.end\", \"[|tower.1.left|]\"")]
    public Task PathsThatLeadBackwardsFire(string message, string path) => Fires("INV212", message, $"[PathPatch({path})]", "");

    [Theory]
    [InlineData("\"tower.1.start\", \"tower.1.right\", \"annex.1.end\", \"tower.2.start\", \"scores\"")]
    [InlineData("\"words\", \"tower.0.start\"")]
    [InlineData("\"tower.{l}.start\", \"tower.{l}.end\", \"pool\"")]
    // Nothing says whether the annex is computed with the tower, layer by layer, or after it.
    [InlineData("\"annex.0.end\", \"tower.1.start\"")]
    [InlineData("\"tower.1.start\", \"annex.0.end\"")]
    public Task PathsThatLeadForwardAreSilent(string path) => IsSilent($"[PathPatch({path})]", "");

    [Theory]
    [InlineData("tower.2.start", "tower.1.end")]
    [InlineData("tower.1.left", "tower.1.right")]
    [InlineData("tower.{l}.end", "tower.{l}.left")]
    [InlineData("pool", "annex.*.end")]
    public Task WritesThatNothingReadsFire(string written, string kept) =>
        Fires("INV221", $"'{written}'", "", Kept($"[|{written}|]", kept));

    [Theory]
    [InlineData("tower.1.left", "tower.1.end")]
    [InlineData("tower.1.left", "tower.*.right")]
    [InlineData("tower.{l}.end", "annex.{l}.end")]
    [InlineData("annex.2.end", "pool")]
    public Task WritesThatAreReadAreSilent(string written, string kept) => IsSilent("", Kept(written, kept));

    // No site has the name that the logits have elsewhere: metrics read the model's output.
    [Fact]
    public Task AMetricReadsTheLastSite() => IsSilent("", """[Patch("scores")] static Tensor P(Tensor x) => x;""" + M);

    [Theory]
    [InlineData("tower.1.end", "tower.2.start")]
    [InlineData("tower.{l}.end", "pool")]
    public Task LaterValuesFire(string written, string read) =>
        Fires("INV213", $"'{read}', which it reads", "", M + Reading(written, $"[|{read}|]"));

    [Theory]
    [InlineData("tower.1.end", "tower.1.start")]
    [InlineData("tower.1.end", "words")]
    [InlineData("pool", "annex.2.end")]
    public Task EarlierValuesAreSilent(string written, string read) => IsSilent("", M + Reading(written, read));

    [Theory]
    [InlineData("'tower.1.probe' lies beside the model's ordinary path", "\"[|tower.1.probe|]\"")]
    [InlineData("'tower.1.end' is computed after 'tower.1.left'", "\"tower.1.left\", Reads = \"[|tower.1.end|]\"")]
    public Task MisplacedSplicesFire(string message, string splice) => Fires("INV230", message, "", M + Splice(splice));

    [Fact]
    public Task SplicesThatReadEarlierSitesAreSilent() => IsSilent("", M + Splice("\"tower.1.end\", Reads = \"tower.1.start\""));

    [Theory]
    [InlineData("GapFiller", "blocks.1.attn.z", "blocks.0.resid_post", "blocks.*.attn.pattern")]
    [InlineData("ModularAddition", "mlp.pre", "attn.z", "resid_mid")]
    public async Task TheRulesOfOrderFireOnTheExamplesModels(string model, string written, string receiver, string kept)
    {
        await Analysis.Fires("INV212", "", Example(model), On(model, $"[PathPatch(\"{written}\", \"[|{receiver}|]\")]", ""));
        await Analysis.Fires("INV221", "", Example(model), On(model, "", Kept($"[|{written}|]", kept)));
    }

    [Theory]
    [InlineData("GapFiller", "blocks.0.attn.z", "blocks.1.resid_post", "blocks.*.attn.z")]
    [InlineData("ModularAddition", "attn.z", "mlp.pre", "mlp.post")]
    public async Task TheRulesOfOrderAreSilentOnTheExamplesModels(string model, string written, string receiver, string kept)
    {
        await Analysis.Check(Example(model), On(model, $"[PathPatch(\"{written}\", \"{receiver}\")]", ""));
        await Analysis.Check(Example(model), On(model, "", Kept(written, kept)));
    }

    [Fact]
    public Task SitesAtTwoPartsHaveNoOrder() => Analysis.Fires(
        "INV013", "the sites of 'Toy' stand at several parts of the type", Model,
        "namespace Study; [[|Site(\"more\", \"batch\")|], Site(\"most\", \"batch\")] partial class Toy;");

    [Fact]
    public Task AxesAtAnotherPartAreSilent() => Analysis.Check(Model, "namespace Study; [Axis(\"neuron\", 4)] partial class Toy;");

    private static Task Fires(string id, string message, string attributes, string members) =>
        Analysis.Fires(id, message, Model, Sources.Prompts, Sources.Intervention(members, attributes));

    private static Task IsSilent(string attributes, string members) =>
        Analysis.Check(Model, Sources.Prompts, Sources.Intervention(members, attributes));

    private static string Kept(string written, string kept) =>
        $"[Patch(\"{written}\")] static Tensor P(Tensor x) => x; [Capture(\"{kept}\")] static Tensor C(Tensor x) => x;";

    private static string Reading(string written, string read) =>
        $"[Patch(\"{written}\")] static Tensor P([ValueOf(\"{read}\")] Tensor x) => x;";

    private static string Splice(string arguments) => $"[Splice({arguments})] required public ISplice Sae {{ get; init; }}";

    private static string On(string model, string attributes, string members) => $$"""
        namespace Study;
        [Intervention<Interventions.Examples.UserModel.{{model}}>] {{attributes}}
        public sealed partial class Probe { {{members}} }
        """;

    private static string Example(string model, [CallerFilePath] string here = "") =>
        "using System.Linq;\n" + File.ReadAllText(Path.Combine(Path.GetDirectoryName(here)!, $"../../../examples/UserModel/{model}.cs"));
}
