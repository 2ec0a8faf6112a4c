using Interventions.Generators.Tests.Testing;

namespace Interventions.Generators.Tests.Rules;

public sealed class CompositionTests
{
    private const string Sweep = """[Patch("blocks.{layer=0}.attn.z[head={head}]")] static Tensor S(Tensor x) => x;""";

    [Theory]
    [InlineData("'Other' intervenes on Toy, 'Probe' on Small", "Small, IoiPrompts", "Toy, IoiPrompts")]
    [InlineData("'Other' is about Mine, 'Probe' about IoiPrompts", "Toy, IoiPrompts", "Toy, Mine")]
    public Task An_include_on_other_names_is_refused(string message, string outer, string inner) =>
        Analysis.Fires("INV211", message, Sources.Model, Sources.Prompts, $$"""
        namespace Study;
        [ModelSchema, Axis("layer", 2), Axis("head", 1)] public sealed partial class Small : Decoder;
        [PromptSchema] public sealed partial class Mine : PromptSet;
        [Intervention<{{inner}}>] public sealed partial class Other;
        [Intervention<{{outer}}>] public sealed partial class Probe { [Include] public required Other [|It|] { get; init; } }
        """);

    [Fact]
    public Task A_circle_of_includes_is_refused_from_both_sides() => Analysis.Fires(
        "INV211", "would include itself", Sources.Model, Sources.Prompts, """
        namespace Study;
        [Intervention<Toy, IoiPrompts>] public sealed partial class A { [Include] public required B [|B|] { get; init; } }
        [Intervention<Toy, IoiPrompts>] public sealed partial class B { [Include] public required A [|A|] { get; init; } }
        """);

    [Fact]
    public Task A_declaration_that_uses_everything_is_silent() =>
        new Analysis(Sources.Model, Sources.Prompts, Sources.HeadSweep, Sources.Everything)
        {
            DisabledDiagnostics = { "INV225" },
        }.RunAsync();

    [Theory]
    [InlineData(
        "INV206", "[From] reads one site, but 'blocks.*.mlp_out' names several layers",
        """[Patch("embed")] static Tensor P([From("clean", "blocks.[|*|].mlp_out")] Tensor x) => x;""")]
    [InlineData(
        "INV206", "[ValueOf] reads one site, but 'blocks.*.mlp_out' names several layers",
        """[Metric] static Tensor M([ValueOf("blocks.[|*|].mlp_out")] Tensor x) => x;""")]
    [InlineData("INV211", "'Other' cannot be included: 'String' is no [Intervention]", """[Include] public string [|Other|] => "";""")]
    [InlineData("INV211", "'Probe' would include itself through 'Again'", """[Include] required public Probe [|Again|] { get; init; }""")]
    public Task A_part_that_does_not_fit_is_refused(string id, string message, string members) =>
        Analysis.Fires(id, message, Sources.Model, Sources.Prompts, Sources.Intervention(members));

    [Theory]
    [InlineData(
        "INV234", "has no property 'Abc' that holds prompts; did you mean 'Ab'?", """[Mean("embed", Over = "[|Abc|]")]""",
        "required public IoiPrompts Ab { get; init; }")]
    [InlineData(
        "INV234", "has no property 'D' that holds prompts", """[Mean("embed", Over = "[|D|]")]""",
        "required public Tensor D { get; init; }")]
    [InlineData(
        "INV234", "IoiPrompts has no run 'cleam'", """[Mean("embed", Over = "Ab", From = "[|cleam|]")]""",
        "required public IoiPrompts Ab { get; init; }")]
    public Task A_mean_over_prompts_that_do_not_fit_is_refused(string id, string message, string attributes, string members) =>
        Analysis.Fires(id, message, Sources.Model, Sources.Prompts, Sources.Intervention(members, attributes));

    [Theory]
    [InlineData("""[Patch("embed")] static Tensor P(Tensor x) => x; [Patch("blocks.0.mlp_out")] static Tensor P([From("clean")] Tensor """
        + """x, Tensor y) => x; [Capture("blocks.*.mlp_out")] static Tensor C(Tensor x) => x;""")]
    [InlineData(
        Sweep + """[Patch("embed")] static Tensor P([From("clean", "blocks.{layer}.mlp_out")] Tensor x, [From("clean", "blocks.1.mlp_out")] Tensor y) => x;""")]
    public Task Parts_that_fit_are_silent(string members) => Analysis.Check(Sources.Model, Sources.Prompts, Sources.Intervention(members));

    [Theory]
    [InlineData("""[Mean("embed[pos=S1]", Over = nameof(Ab), From = "clean")]""", "required public IoiPrompts Ab { get; init; }")]
    public Task A_mean_over_prompts_that_fit_is_silent(string attributes, string members) =>
        Analysis.Check(Sources.Model, Sources.Prompts, Sources.Intervention(members, attributes));
}
