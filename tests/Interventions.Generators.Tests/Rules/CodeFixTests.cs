using Interventions.CodeFixes;
using Interventions.Generators.Tests.Testing;
using Microsoft.CodeAnalysis.CSharp.Testing;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Testing;
using Microsoft.CodeAnalysis.Text;

namespace Interventions.Generators.Tests.Rules;

public sealed class CodeFixTests
{
    [Theory]
    [InlineData(
        """[Patch("blocks.1.{|INV001:mlp_outt|}[pos=end]")] static Tensor P(Tensor x) => x;""",
        """[Patch("blocks.1.mlp_out[pos=end]")] static Tensor P(Tensor x) => x;""")]
    [InlineData(
        """[Patch("blocks.1.attn.{|INV004:hook_z|}")] static Tensor P(Tensor x) => x;""",
        """[Patch("blocks.1.attn.z")] static Tensor P(Tensor x) => x;""")]
    [InlineData(
        """[Patch("blocks.{layer}.attn.{|INV004:o.hook_in|}[head=1]")] static Tensor P(Tensor x) => x;""",
        """[Patch("blocks.{layer}.attn.z[head=1]")] static Tensor P(Tensor x) => x;""")]
    [InlineData(
        """[Patch("blocks.1.{|INV004:mlp_activation|}[neuron=2]")] static Tensor P(Tensor x) => x;""",
        """[Patch("blocks.1.mlp.post[neuron=2]")] static Tensor P(Tensor x) => x;""")]
    [InlineData(
        """[Patch("blocks.1.{|INV002:z|}")] static Tensor P(Tensor x) => x;""",
        """[Patch("blocks.1.attn.z")] static Tensor P(Tensor x) => x;""")]
    [InlineData(
        """[Patch("blocks.1.attn.z[{|INV005:haed|}=1]")] static Tensor P(Tensor x) => x;""",
        """[Patch("blocks.1.attn.z[head=1]")] static Tensor P(Tensor x) => x;""")]
    [InlineData(
        """[Patch("blocks.0.attn.z[head={|INV007:0-1|}; pos=end]")] static Tensor P(Tensor x) => x;""",
        """[Patch("blocks.0.attn.z[head=0..1; pos=end]")] static Tensor P(Tensor x) => x;""")]
    [InlineData(
        """[Patch("blocks.0.attn.z[head=0,1{|INV007:,|} pos=end]")] static Tensor P(Tensor x) => x;""",
        """[Patch("blocks.0.attn.z[head=0,1; pos=end]")] static Tensor P(Tensor x) => x;""")]
    [InlineData(
        """[Patch(@"embed[pos={|INV008:ned|}]")] static Tensor P(Tensor x) => x;""",
        """[Patch("embed[pos=end]")] static Tensor P(Tensor x) => x;""")]
    [InlineData(
        """[Patch("embed")] static Tensor P([From("{|INV009:corrupt|}")] Tensor x) => x;""",
        """[Patch("embed")] static Tensor P([From("corrupted")] Tensor x) => x;""")]
    [InlineData(
        """[Metric] static Tensor M([Logit("{|INV010:io|}", At = "{|INV008:S2|}-1")] Tensor x) => x;""",
        """[Metric] static Tensor M([Logit("IO", At = "S1-1")] Tensor x) => x;""")]
    [InlineData(
        """[Patch("{|INV221:blocks.1.mlp_out|}")] static Tensor P([ValueOf("{|INV001:embedd|}")] Tensor x) => x; [Gradient("embed", Of """
            + """= "{|INV208:m|}")] static Tensor G(Tensor x) => x; [Metric] static Tensor M([Answer("{|INV010:s|}")] Tensor x) => x;""",
        """[Patch("{|INV221:blocks.1.mlp_out|}")] static Tensor P([ValueOf("embed")] Tensor x) => x; [Gradient("embed", Of = "M")] """
            + """static Tensor G(Tensor x) => x; [Metric] static Tensor M([Answer("S")] Tensor x) => x;""")]
    public Task Suggestions_are_written(string before, string after) =>
        Fix<SpellingCodeFix>(Sources.Intervention(before), Sources.Intervention(after));

    [Theory]
    [InlineData("""[Patch("blocks.{|INV003:2|}.mlp_out")] static Tensor P(Tensor x) => x;""")]
    [InlineData("""[Patch("blocks.1.attn.q.{|INV004:hook_in|}")] static Tensor P(Tensor x) => x;""")]
    [InlineData("""const string Path = "embad"; [Patch({|INV001:Path|})] static Tensor P(Tensor x) => x;""")]
    public Task A_text_without_one_repair_is_left_alone(string members) =>
        Fix<SpellingCodeFix>(Sources.Intervention(members), Sources.Intervention(members));

    [Theory]
    [InlineData(
        "// why\n[Intervention<Study.Toy>] public sealed class {|INV106:A|};",
        "// why\n[Intervention<Study.Toy>] public sealed partial class A;")]
    [InlineData(
        "// why\nclass {|INV106:Outer|}\n{\n    [Intervention<Study.Toy>]\n    class {|INV106:A|};\n}\n",
        "// why\npartial class Outer\n{\n    [Intervention<Study.Toy>]\n    partial class A;\n}\n")]
    public Task Types_are_made_partial(string before, string after) =>
        Fix<PartialCodeFix>(before, after);

    [Theory]
    [InlineData("""const double Half = 0.5; [Add(Toy.Sites.Embed, Strength = {|INV020:Half|})] public required Tensor D { get; init; """
        + """}""", """const double Half = 0.5; [Add(Toy.Sites.Embed, Strength = 0.5)] public required Tensor D { get; init; }""")]
    [InlineData(
        """const string Site = Toy.Sites.Embed; [Patch({|INV018:Site|})] static Tensor P(Tensor x) => x;""",
        """const string Site = Toy.Sites.Embed; [Patch("embed")] static Tensor P(Tensor x) => x;""")]
    public Task Values_are_written_out(string before, string after) =>
        Fix<LiteralCodeFix>(Sources.Intervention(before), Sources.Intervention(after));

    [Theory]
    [InlineData(
        """[Include] public required Inner It { get; init; } [Patch("{|INV222:embed|}")] static Tensor P(Tensor x) => x;""",
        """[Include] public required Inner It { get; init; } [Patch("embed", Order = 1)] static Tensor P(Tensor x) => x;""")]
    [
        InlineData("""[Include] public required Inner A { get; init; } [Include] public required Inner {|INV222:B|} { get; init; """
            + """}""", """[Include] public required Inner A { get; init; } [Include(Order = 1)] public required Inner B { get; init; }"""),
    ]
    public Task The_order_of_the_text_is_said(string before, string after)
    {
        const string Inner = """

            [Intervention<Toy, IoiPrompts>] public sealed partial class Inner { [Patch("embed")] static Tensor P(Tensor x) => x * 2 + 1; }
            """;
        return Fix<OrderCodeFix>(Sources.Intervention(before) + Inner, Sources.Intervention(after) + Inner);
    }

    /// <summary>Asserts what the fix makes of marked sources.</summary>
    private static Task Fix<TFix>(string before, string after) where TFix : CodeFixProvider, new()
    {
        var test = new Test<TFix>
        {
            // Who fixes all of a kind fixes what has the same repair: a round for each of up to three names.
            NumberOfFixAllIterations = before == after ? 0 : -3,
        };
        Analysis.Prepare(test, before, Sources.Model, Sources.Prompts);
        test.FixedState.Sources.AddRange(test.TestState.Sources);
        test.FixedState.Sources[0] = (test.FixedState.Sources[0].filename, SourceText.From(after));
        return test.RunAsync();
    }

    private sealed class Test<TFix> : CSharpCodeFixTest<EmptyDiagnosticAnalyzer, TFix, DefaultVerifier> where TFix : CodeFixProvider, new()
    {
        protected override IEnumerable<DiagnosticAnalyzer> GetDiagnosticAnalyzers() => Analysis.Analyzers;

        protected override IEnumerable<Type> GetSourceGenerators() => Compilations.Generators;
    }
}
