using Interventions.Generators.Tests.Testing;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Tests.Rules;

public sealed class CompositionRuleTests
{
    private const string Sweep = """[Patch("blocks.{layer=0}.attn.z[head={head}]")] static Tensor S(Tensor x) => x;""";

    [Theory]
    [InlineData("INV201", "The result already has a 'C'", """[Capture("embed")] static Tensor C(Tensor x) => x; [Metric] static Tensor [|C|]([Logit("S")] Tensor x, [Logit("IO")] Tensor y) => x;""")]
    [InlineData("INV202", "No write sweeps '{layer}', so it has no value here; write '*' for all", """[Capture("blocks.[|{layer}|].mlp_out")] static Tensor C(Tensor x) => x;""")]
    [InlineData("INV202", "No write sweeps '{h}'", Sweep + """[Capture("blocks.{layer}.attn.z[head=[|{h=0..1}|]]")] static Tensor C(Tensor x) => x;""")]
    [InlineData("INV203", "'{head}' counts heads elsewhere and layers here", Sweep + """[Patch("blocks.[|{head}|].mlp_out")] static Tensor P(Tensor x) => x;""")]
    [InlineData("INV204", "'{layer}' ranges over nothing", Sweep + """[Capture("blocks.[|{layer=1}|].mlp_out")] static Tensor C(Tensor x) => x;""")]
    [InlineData("INV205", "'Result' is a name that the generator adds to 'Probe'", """static int [|Result|] => 1;""")]
    [InlineData("INV206", "[From] reads one site, but 'blocks.*.mlp_out' names several layers", """[Patch("embed")] static Tensor P([From("clean", "blocks.[|*|].mlp_out")] Tensor x) => x;""")]
    public Task Fires(string id, string message, string members) => Analysis.Fires(id, message, Sources.Model, Sources.Prompts, Sources.Intervention(members));

    [Theory]
    [InlineData("""[Patch("embed")] static Tensor P(Tensor x) => x; [Patch("blocks.0.mlp_out")] static Tensor P([From("clean")] Tensor x, Tensor y) => x; [Capture("blocks.*.mlp_out")] static Tensor C(Tensor x) => x;""")]
    [InlineData("""[Capture("embed[pos=end,0]")] static Tensor C(Tensor x) => x; [Capture("embed")] static Tensor CMask(Tensor x) => x; public static Tensor Use(Result run) => run.CMaskMask;""")]
    [InlineData(Sweep + """[Capture("blocks.{layer}.attn.z[head={head=0,1}]")] static Tensor C(Tensor x) => x;""")]
    [InlineData("""[Patch("blocks.0.attn.pattern[query={t}; key={t}]")] static Tensor P(Tensor x) => x; [Capture("blocks.0.mlp_in[pos={t}]")] static Tensor C(Tensor x) => x;""")]
    [InlineData(Sweep + """[Patch("embed")] static Tensor P([From("clean", "blocks.{layer}.mlp_out")] Tensor x, [From("clean", "blocks.1.mlp_out")] Tensor y) => x;""")]
    public Task CorrectCompositionsAreSilent(string members) =>
        Analysis.Check(Sources.Model, Sources.Prompts, Sources.Intervention(members));

    private const string M = """[Metric] static Tensor M([Logit("S")] Tensor s) => s;""";
    private const string G = """[Gradient("embed")] static Tensor [|G|](Tensor g) => g;""";

    [Theory]
    [InlineData("INV201", "already has a 'DGradient'", M + """[Parameter] required public Tensor [|D|] { get; init; } [Capture("embed")] static Tensor DGradient(Tensor x) => x;""")]
    [InlineData("INV201", "already has a 'CMask'", """[Capture("embed[pos=0..-1]")] static Tensor [|C|](Tensor x) => x; [Capture("embed[pos=end]")] static Tensor CMask(Tensor x) => x;""")]
    [InlineData("INV206", "[ValueOf] reads one site, but 'blocks.*.mlp_out' names several layers", """[Metric] static Tensor M([ValueOf("blocks.[|*|].mlp_out")] Tensor x) => x;""")]
    [InlineData("INV207", "'G' is a gradient, and there is no [Metric]", G)]
    [InlineData("INV207", "'G' is a gradient, and there are several metrics; say Of = nameof(M), or another", M + """[Metric] static Tensor N([Logit("IO")] Tensor s) => s;""" + G)]
    [InlineData("INV207", "'D' is a gradient, and there is no [Metric]", """[Parameter] required public Tensor [|D|] { get; init; }""")]
    [InlineData("INV208", "'Probe' has no metric 'Looss'; did you mean 'Loss'?", """[Metric] static Tensor Loss([Logit("S")] Tensor s) => s; [Gradient("embed", Of = "[|Looss|]")] static Tensor G(Tensor g) => g;""")]
    [InlineData("INV208", "'Probe' has no metric 'L'; it has Loss", """[Metric] static Tensor Loss([Logit("S")] Tensor s) => s; [Parameter(Of = "[|L|]")] required public Tensor D { get; init; }""")]
    [InlineData("INV211", "'Other' cannot be included: 'String' is no [Intervention]", """[Include] public string [|Other|] => "";""")]
    [InlineData("INV211", "'Probe' would include itself through 'Again'", """[Include] required public Probe [|Again|] { get; init; }""")]
    [InlineData("INV213", "'blocks.0.mlp_out' is written before 'blocks.1.mlp_out', which it reads, exists in the same run", """[Patch("blocks.0.mlp_out")] static Tensor P([ValueOf("[|blocks.1.mlp_out|]")] Tensor x) => x;""")]
    [InlineData("INV213", "'blocks.*.mlp_out' is written before 'blocks.1.mlp_in'", """[Patch("blocks.*.mlp_out")] static Tensor P([ValueOf("[|blocks.1.mlp_in|]")] Tensor x) => x;""")]
    [InlineData("INV213", "'blocks.{l}.attn.z' is written before 'blocks.{l}.mlp_in'", """[Patch("blocks.{l}.attn.z")] static Tensor P([ValueOf("[|blocks.{l}.mlp_in|]")] Tensor x) => x;""")]
    [InlineData("INV213", "'blocks.1.mlp_in' is written before 'blocks.1.mlp_out'", """[Patch("blocks.1.mlp_in")] static Tensor P([ValueOf("[|blocks.1.mlp_out|][pos=end]")] Tensor x) => x;""")]
    public Task MembersFire(string id, string message, string members) => Analysis.Fires(id, message, Sources.Model, Sources.Prompts, Sources.Intervention(members));

    [Theory]
    [InlineData("INV202", "No write sweeps '{l}'", "", """[Capture("blocks.[|{l}|].mlp_out")] static Tensor C(Tensor x) => x;""")]
    [InlineData("INV203", "'{h}' counts layers elsewhere and heads here", """[Zero("blocks.{h}.mlp_out"), Scale("blocks.0.attn.z[head=[|{h}|]]", 2)]""", "")]
    [InlineData("INV204", "'{l}' ranges over nothing", """[PathPatch("blocks.{l=0}.attn.z", "blocks.[|{l=1}|].mlp_in")]""", "")]
    [InlineData("INV209", "Run 'b' reads 'a', which waits for 'b'", """[Run("a"), Run("b"), Freeze("embed", From = "b", In = "a"), Freeze("embed", From = "[|a|]", In = "b")]""", "")]
    [InlineData("INV209", "Run 'c' reads 'a'", """[Run("a"), Run("b"), Run("c"), Freeze("embed", From = "b", In = "a"), Freeze("embed", From = "c", In = "b")]""", """[Patch("embed", In = "c")] static Tensor P([From("[|a|]")] Tensor x) => x;""")]
    [InlineData("INV210", "IoiPrompts has a run 'clean' already", """[Run("[|clean|]")]""", "")]
    [InlineData("INV210", "Run 'a' is derived twice", """[Run("a"), Run("[|a|]"), Zero("embed", In = "a"), Freeze("embed", From = "a")]""", "")]
    [InlineData("INV210", "Nothing writes run 'a': no write says In = \"a\"", """[Run("[|a|]"), Freeze("embed", From = "a")]""", "")]
    [InlineData("INV210", "Nothing reads run 'a'", """[Run("[|a|]"), Zero("embed", In = "a")]""", "")]
    [InlineData("INV212", "'blocks.0.attn.q_input' is not downstream of 'blocks.0.attn.z'", """[PathPatch("blocks.0.attn.z[head=1]", "logits", "[|blocks.0.attn.q_input|][head=1]")]""", "")]
    [InlineData("INV212", "'blocks.0.mlp_in' is not downstream of 'blocks.-1.attn.z'", """[PathPatch("blocks.-1.attn.z", receivers: ["[|blocks.0.mlp_in|]"])]""", "")]
    [InlineData("INV212", "'embed' is not downstream", """[PathPatch("blocks.0.attn.z", new[] { "logits", "[|embed|]" })]""", "")]
    [InlineData("INV212", "'blocks.0.attn.z' has no receivers, so nothing is patched", """[PathPatch("[|blocks.0.attn.z|]")]""", "")]
    [InlineData("INV212", "There is no sender, so nothing is patched", """[PathPatch([|new string[0]|], "logits")]""", "")]
    [InlineData("INV213", "its own run 'a', which it reads, is complete", """[Run("a"), PathPatch("blocks.0.attn.z", "blocks.1.mlp_in", From = "[|a|]", In = "a"), Freeze("blocks.1.mlp_out", From = "a")]""", "")]
    [InlineData("INV213", "its own run 'a', which it reads, is complete", """[Run("a"), Freeze("embed", From = "a")]""", """[Patch("embed", In = "a")] static Tensor P([From("[|a|]")] Tensor x) => x;""")]
    public Task AttributesFire(string id, string message, string attributes, string members) =>
        Analysis.Fires(id, message, Sources.Model, Sources.Prompts, Sources.Intervention(members, attributes));

    [Theory]
    [InlineData("'Other' intervenes on Toy, 'Probe' on Small", "Small, IoiPrompts", "Toy, IoiPrompts")]
    [InlineData("'Other' is about Mine, 'Probe' about IoiPrompts", "Toy, IoiPrompts", "Toy, Mine")]
    public Task IncludesFit(string message, string outer, string inner) => Analysis.Fires("INV211", message, Sources.Model, Sources.Prompts, $$"""
        namespace Study;
        [ModelSchema, Axis("layer", 2), Axis("head", 1)] public sealed partial class Small : Decoder;
        [PromptSchema] public sealed partial class Mine : PromptSet;
        [Intervention<{{inner}}>] public sealed partial class Other;
        [Intervention<{{outer}}>] public sealed partial class Probe { [Include] public required Other [|It|] { get; init; } }
        """);

    [Fact]
    public Task ACircleOfIncludesIsFoundFromBothSides() => Analysis.Fires(
        "INV211", "would include itself", Sources.Model, Sources.Prompts, """
        namespace Study;
        [Intervention<Toy, IoiPrompts>] public sealed partial class A { [Include] public required B [|B|] { get; init; } }
        [Intervention<Toy, IoiPrompts>] public sealed partial class B { [Include] public required A [|A|] { get; init; } }
        """);

    [Fact]
    public Task IncludedParametersNeedAMetric() => Analysis.Fires("INV207", "'Inner.D' is a gradient, and there is no [Metric]", Sources.Model, Sources.Prompts, """
        namespace Study;
        [Intervention<Toy, IoiPrompts>]
        public sealed partial class Trained
        {
            [Add("embed"), Parameter] public required Tensor D { get; init; }
            [Metric] static Tensor M([Logit("S")] Tensor s) => s;
        }
        [Intervention<Toy, IoiPrompts>] public sealed partial class Probe { [Include] public required Trained [|Inner|] { get; init; } }
        """);

    [Fact]
    public async Task IncludedPlaceholdersAreSweptFirst()
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
    public Task EverythingIsSilent() => new Analysis(Sources.Model, Sources.Prompts, Sources.HeadSweep, Sources.Everything)
    {
        DisabledDiagnostics = { "INV225" },
    }.RunAsync();

    [Theory]
    [InlineData("""[Run("a"), Run("b"), Freeze("embed", From = "b", In = "a"), Zero("embed", In = "b"), Freeze("embed", From = "a"), Freeze("blocks.0.mlp_out", From = "b")]""", "")]
    [InlineData("""[Run("a", From = "corrupted"), PathPatch("blocks.0.attn.z", "blocks.1.mlp_in", In = "a"), Freeze("blocks.1.mlp_out", From = "a")]""", "")]
    [InlineData("""[PathPatch("blocks.0.attn.z", "blocks.0.mlp_in", "blocks.1.attn.q_input", "logits"), PathPatch("blocks.{l}.attn.z", "blocks.0.mlp_in")]""", "")]
    [InlineData("", """[Patch("blocks.1.mlp_out")] static Tensor P(Tensor x, [ValueOf("blocks.1.mlp_in")] Tensor y, [ValueOf("blocks.0.mlp_out")] Tensor z) => x + y + z;""")]
    [InlineData("", """[Patch("blocks.{l}.mlp_out")] static Tensor P([ValueOf("blocks.{l}.mlp_in")] Tensor x) => x; [Patch("blocks.*.mlp_in")] static Tensor Q(Tensor x, [ValueOf("embed")] Tensor y) => x + y;""")]
    [InlineData("", """[Metric] static Tensor A([Logit("S")] Tensor s) => s; [Metric] static Tensor B([Logit("S")] Tensor s) => s; [Gradient("embed", Of = nameof(B))] static Tensor G(Tensor g) => g;""")]
    public Task CorrectAttributesAreSilent(string attributes, string members) =>
        Analysis.Check(Sources.Model, Sources.Prompts, Sources.Intervention(members, attributes));

    private const string Included = """
        namespace Study;
        [Intervention<Toy, IoiPrompts>] public sealed partial class Inner { [Patch("blocks.{layer=0}.attn.z[head={head}]")] static Tensor P(Tensor x) => x; }
        """;

    [Theory]
    [InlineData("INV203", "'{head}' counts heads elsewhere and layers here", """[Include] public required Inner It { get; init; } [Patch("blocks.[|{head}|].mlp_out")] static Tensor P(Tensor x) => x;""")]
    [InlineData("INV204", "'{layer}' ranges over nothing", """[Include] public required Inner It { get; init; } [Capture("blocks.[|{layer=1}|].mlp_out")] static Tensor C(Tensor x) => x;""")]
    [InlineData("INV203", "'{layer}' counts layers elsewhere and heads here", """[Include] public required Inner It { get; init; } [Include] public required Other [|Then|] { get; init; }""")]
    [InlineData("INV201", "already has a 'ItDGradient'", """[Include] public required Trained [|It|] { get; init; } [Metric] static Tensor ItDGradient([Logit("S")] Tensor s) => s;""")]
    public Task IncludesAreSeenThrough(string id, string message, string members) => Analysis.Fires(
        id, message, Sources.Model, Sources.Prompts, Included, Sources.Intervention(members), """
        namespace Study;
        [Intervention<Toy, IoiPrompts>] public sealed partial class Other { [Patch("blocks.1.attn.z[head={layer=0}]")] static Tensor P(Tensor x) => x; }
        [Intervention<Toy, IoiPrompts>] public sealed partial class Trained
        {
            [Add("embed"), Parameter] public required Tensor D { get; init; }
            [Metric] static Tensor M([Logit("S")] Tensor s) => s;
        }
        """);

    [Theory]
    [InlineData("Swept")]
    [InlineData("Graph")]
    public Task TheClassItselfHasAnotherName(string name) => Analysis.Fires(
        "INV205", $"'{name}' is a name that the generator adds to '{name}'", Sources.Model, Sources.Prompts, $"namespace Study; [Intervention<Toy, IoiPrompts>] public sealed partial class [|{name}|];");
}
