using Interventions.Generators.Tests.Testing;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Tests.Rules;

/// <summary>Placeholders: swept by a write, over one axis, through some index.</summary>
public sealed class PlaceholdersTests
{
    private const string Sweep = """[Patch("blocks.{layer=0}.attn.z[head={head}]")] static Tensor S(Tensor x) => x;""";

    private const string Sae = """[Splice("blocks.1.mlp_out", Features = 8)] required public ISplice Sae { get; init; }""";

    private const string Included = """
        namespace Study;
        [Intervention<Toy, IoiPrompts>] public sealed partial class Inner { [Patch("blocks.{layer=0}.attn.z[head={head}]")] static Tensor P(Tensor x) => x; }
        [Intervention<Toy, IoiPrompts>] public sealed partial class Other { [Patch("blocks.1.attn.z[head={layer=0}]")] static Tensor P(Tensor x) => x; }
        [Intervention<Toy, IoiPrompts>] public sealed partial class Trained
        {
            [Add("embed"), Parameter] public required Tensor D { get; init; }
            [Metric] static Tensor M([Logit("S")] Tensor s) => s;
        }
        """;

    [Theory]
    [InlineData(
        "INV202", "No write sweeps '{layer}', so it has no value here; write '*' for all",
        """[Capture("blocks.[|{layer}|].mlp_out")] static Tensor C(Tensor x) => x;""")]
    [InlineData(
        "INV202", "[From] reads one site: name its layer, or write '{l}' in the path of a write",
        """[Metric] static Tensor M([From("clean", "blocks.[|{l}|].mlp_out")] Tensor x) => x.flatten(1).sum(1);""")]
    [InlineData(
        "INV202", "[ValueOf] reads one site: name its layer, or write '{other}' in the path of a write",
        Sweep + """[Capture("embed")] static Tensor C(Tensor x, [ValueOf("blocks.[|{other}|].mlp_out")] Tensor y) => x + y;""")]
    [InlineData(
        "INV202", "No write sweeps '{h}', so it has no value here; without the selector everything is taken",
        Sweep + """[Capture("blocks.{layer}.attn.z[head=[|{h=0..1}|]]")] static Tensor C(Tensor x) => x;""")]
    [InlineData(
        "INV203", "'{head}' counts heads elsewhere and layers here",
        Sweep + """[Patch("blocks.[|{head}|].mlp_out")] static Tensor P(Tensor x) => x;""")]
    [InlineData(
        "INV204", "'{layer}' ranges over nothing", Sweep + """[Capture("blocks.[|{layer=1}|].mlp_out")] static Tensor C(Tensor x) => x;""")]
    public Task A_placeholder_that_does_not_fit_is_refused(string id, string message, string members) =>
        Analysis.Fires(id, message, Sources.Model, Sources.Prompts, Sources.Intervention(members));

    [Theory]
    [InlineData("INV202", "No write sweeps '{l}'", "", """[Capture("blocks.[|{l}|].mlp_out")] static Tensor C(Tensor x) => x;""")]
    [InlineData(
        "INV203", "'{h}' counts layers elsewhere and heads here",
        """[Zero("blocks.{h}.mlp_out"), Scale("blocks.0.attn.z[head=[|{h}|]]", 2)]""", "")]
    [InlineData("INV204", "'{l}' ranges over nothing", """[PathPatch("blocks.{l=0}.attn.z", "blocks.[|{l=1}|].mlp_in")]""", "")]
    [InlineData(
        "INV202", "No write sweeps '{alpha}', so it has no value here", "",
        """[Metric] static Tensor M([Logit("S")] Tensor s, [Swept("[|alpha|]")] double alpha) => s;""")]
    [InlineData("INV202", "No write sweeps '{run}'", "", """[Capture("embed")] static Tensor C([From("[|{run}|]")] Tensor x) => x;""")]
    [InlineData(
        "INV203", "'{a}' counts layers elsewhere and strengths here", """[Zero("blocks.{a}.mlp_out"), Scale("embed", "[|{a}|]")]""", "")]
    [InlineData(
        "INV203", "'{a}' counts runs elsewhere and strengths here", """[Freeze("embed", From = "{a}")]""",
        """[Patch("embed")] static Tensor P(Tensor x, [Swept("[|a|]")] double a) => x;""")]
    public Task A_placeholder_of_an_attribute_that_does_not_fit_is_refused(string id, string message, string attributes, string members) =>
        Analysis.Fires(id, message, Sources.Model, Sources.Prompts, Sources.Intervention(members, attributes));

    [Theory]
    [InlineData(
        "INV203", "'{head}' counts heads elsewhere and layers here",
        """[Include] public required Inner It { get; init; } [Patch("blocks.[|{head}|].mlp_out")] static Tensor P(Tensor x) => x;""")]
    [InlineData(
        "INV204", "'{layer}' ranges over nothing",
        """[Include] public required Inner It { get; init; } [Capture("blocks.[|{layer=1}|].mlp_out")] static Tensor C(Tensor x) => x;""")]
    [InlineData(
        "INV203", "'{layer}' counts layers elsewhere and heads here",
        """[Include] public required Inner It { get; init; } [Include] public required Other [|Then|] { get; init; }""")]
    public Task A_placeholder_of_an_include_is_seen(string id, string message, string members) => Analysis.Fires(
        id, message, Sources.Model, Sources.Prompts, Included, Sources.Intervention(members));

    [Fact]
    public async Task Included_placeholders_are_swept_first()
    {
        const string Outer = """
            namespace Study;
            [Intervention<Toy, IoiPrompts>]
            public sealed partial class Outer
            {
                [Include] public required HeadSweep Sweep { get; init; }
                [Patch("embed[pos={pos}]")] static Tensor P(Tensor x) => x;
                [Capture("blocks.{layer}.mlp_out")] static Tensor C(Tensor x) => x;
                public static Tensor Use(Result result) => result.C[1, head: 2, pos: 0];
            }
            """;
        await Analysis.Check(Sources.Model, Sources.Prompts, Sources.HeadSweep, Outer);

        // The members of another assembly are not seen; its result is.
        MetadataReference library = Compilations.Library(Sources.Model, Sources.Prompts, Sources.HeadSweep);
        await new Analysis(Outer) { TestState = { AdditionalReferences = { library } } }.RunAsync();
    }

    [Fact]
    public Task An_empty_sweep_of_features_is_refused() => Analysis.Fires(
        "INV204", "'{layer}' ranges over nothing", Sources.Model, Sources.Prompts,
        Sources.Intervention(
            Sae + """[Patch("blocks.{layer}.mlp_out.sae.features")] static Tensor P(Tensor x) => x; [Patch("blocks.[|{layer=0}|].mlp_in")] static Tensor Q(Tensor x) => x;"""));

    [Theory]
    [InlineData(Sweep + """[Capture("blocks.{layer}.attn.z[head={head=0,1}]")] static Tensor C(Tensor x) => x;""")]
    [InlineData("""[Patch("blocks.0.attn.pattern[query={t}; key={t}]")] static Tensor P(Tensor x) => x; """
        + """[Capture("blocks.0.mlp_in[pos={t}]")] static Tensor C(Tensor x) => x;""")]
    public Task Placeholders_that_fit_are_silent(string members) =>
        Analysis.Check(Sources.Model, Sources.Prompts, Sources.Intervention(members));
}
