using Interventions.Generators.Tests.Testing;

namespace Interventions.Generators.Tests.Rules;

public sealed class SignatureRuleTests
{
    private const string M = """[Metric] static Tensor M([Logit("S")] Tensor s) => s;""";

    [Theory]
    [InlineData("INV101", "'P' must return Tensor: what it returns is written", """[Patch("embed")] static void [|P|](Tensor x) { }""")]
    [InlineData("INV101", "what it returns is kept", """[Metric] static double [|M|]([Logit("S")] Tensor x) => 1;""")]
    [InlineData("INV102", "Parameter 'k' must be a Tensor", """[Patch("embed")] static Tensor P(Tensor x, int [|k|]) => x;""")]
    [InlineData("INV102", "passed by value", """[Patch("embed")] static Tensor P(ref Tensor [|x|]) => x;""")]
    [InlineData("INV103", "'P' already has the selected value as 'x'; say what 'y' reads", """[Patch("embed")] static Tensor P(Tensor x, Tensor [|y|]) => x;""")]
    [InlineData("INV104", "[Logit] belongs to a [Metric]", """[Capture("embed")] static Tensor P(Tensor x, [Logit("S")] Tensor [|y|]) => x;""")]
    [InlineData("INV105", "Metric 'M' has no site of its own; say what 'x' reads", """[Metric] static Tensor M(Tensor [|x|]) => x;""")]
    [InlineData("INV105", "Metric 'M' has no site of its own", """[Metric] static Tensor M([From("clean")] Tensor [|x|]) => x;""")]
    [InlineData("INV103", "'G' already has the selected value as 'x'", M + """[Gradient("embed")] static Tensor G(Tensor g, Tensor x, Tensor [|y|]) => x;""")]
    [InlineData("INV104", "[Logits] belongs to a [Metric]", """[Patch("embed")] static Tensor P(Tensor x, [Logits] Tensor [|y|]) => x;""")]
    [InlineData("INV107", "'P' must not have type parameters", """[Patch("embed")] static Tensor [|P|]<T>(Tensor x) => x;""")]
    [InlineData("INV108", "'P' has several of [Patch], [Capture], [Gradient] and [Metric]", """[Patch("embed"), Capture("embed")] static Tensor [|P|](Tensor x) => x;""")]
    [InlineData("INV108", "'x' has several of [From], [ValueOf], [Logit], [Logits], [Answer] and [Swept]", """[Metric] static Tensor M([From("clean", "embed"), Logit("S")] Tensor [|x|]) => x;""")]
    [InlineData("INV111", "'D' must be a Tensor that can be read: [Add] says", """[Add("embed")] public double [|D|] => 1;""")]
    [InlineData("INV111", "[Parameter] says", M + """[Parameter] public Tensor [|D|] { init { } }""")]
    public Task Fires(string id, string message, string members) => Analysis.Fires(id, message, Sources.Model, Sources.Prompts, Sources.Intervention(members));

    [Theory]
    [InlineData("""[Patch("embed")] static Tensor P() => zeros(1);""")]
    [InlineData("""[Patch("embed")] Tensor P([From("clean")] Tensor a, Tensor x, [From("corrupted")] Tensor b) => x + a - b;""")]
    [InlineData("""[Metric] static Tensor M([From("clean", "embed")] Tensor x, [Logit("S")] Tensor s) => s + x.sum();""")]
    [InlineData(M + """[Gradient("embed")] static Tensor G(Tensor g, [From("clean")] Tensor c, Tensor x, [ValueOf("blocks.0.mlp_out")] Tensor y) => g;""")]
    [InlineData("""[Metric] static Tensor M([Logits] Tensor l, [Answer("IO")] Tensor a, [ValueOf("embed")] Tensor x) => l;""")]
    [InlineData("""[Add("embed"), ProjectOut("embed")] public required Tensor D { get; init; }""")]
    [InlineData("""static int Helper<T>(ref T x) => 1;""")]
    public Task CorrectSignaturesAreSilent(string members) => Analysis.Check(Sources.Model, Sources.Prompts, Sources.Intervention(members));

    [Theory]
    [InlineData("namespace Study; [Intervention<Toy, IoiPrompts>] public class [|A|];")]
    [InlineData("namespace Study; static class [|Outer|] { [Intervention<Toy, IoiPrompts>] public partial class A; }")]
    [InlineData("namespace Study; [ModelSchema, Axis(\"layer\", 2)] class [|A|] : Decoder;")]
    [InlineData("namespace Study; [PromptSchema] class [|A|]() : PromptSet(new(\"A\", default, default, default), []);")]
    public Task NotPartial(string source) => Analysis.Fires("INV106", "must be partial", Sources.Model, Sources.Prompts, source);

    [Theory]
    [InlineData("static")]
    [InlineData("file")]
    public Task NotAValue(string modifier) => Analysis.Fires(
        "INV110", "an intervention is an object", Sources.Model, Sources.Prompts, $"[Intervention<Study.Toy, Study.IoiPrompts>] {modifier} partial class [|A|];");

    [Fact]
    public Task OutsideAnIntervention() => Analysis.Fires(
        "INV109", "'P' is never run: 'Forgotten' has no [Intervention]", """
        class Forgotten { [Patch("embed")] static Tensor [|P|](Tensor x) => x; }
        """);

    [Theory]
    [InlineData("[Zero]", """[[|Zero("embed")|]] class Forgotten;""")]
    [InlineData("[PathPatch]", """[[|PathPatch("embed", "logits")|]] class Forgotten;""")]
    [InlineData("[Add]", """class Forgotten { [[|Add("embed")|]] Tensor D => zeros(1); }""")]
    [InlineData("[Include]", """class Forgotten { [[|Include|]] object D => 1; }""")]
    public Task AttributesOutsideAnIntervention(string attribute, string source) =>
        Analysis.Fires("INV109", $"'{attribute}' is never run: 'Forgotten' has no [Intervention]", source);

    // The analyzers' errors are the only ones: code that runs the declaration compiles.
    [Fact]
    public Task AnErrorOfSignaturesLeavesTheUseIntact() => Analysis.Check(Sources.Model, Sources.Prompts, Sources.Intervention("""
        [Patch("blocks.{layer}.mlp_out")] static int {|INV101:P|}(int {|INV102:x|}) => x;
        [Metric] static Tensor M([Logit("S")] Tensor x) => x;
        public static Tensor Use(Toy model, IoiPrompts prompts) => new Probe().Run(model, prompts).M[layer: 1] + new Probe().Run(model, prompts).Clean.M;
        """));
}
