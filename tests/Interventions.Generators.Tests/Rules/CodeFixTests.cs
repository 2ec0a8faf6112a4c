using System.Collections.Immutable;
using Interventions.CodeFixes;
using Interventions.Generators.Tests.Testing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeActions;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Text;

namespace Interventions.Generators.Tests.Rules;

public sealed class CodeFixTests
{
    [Theory]
    [InlineData("""[Patch("blocks.1.mlp_outt[pos=end]")] static Tensor P(Tensor x) => x;""", """[Patch("blocks.1.mlp_out[pos=end]")] static Tensor P(Tensor x) => x;""")]
    [InlineData("""[Patch("blocks.1.attn.hook_z")] static Tensor P(Tensor x) => x;""", """[Patch("blocks.1.attn.z")] static Tensor P(Tensor x) => x;""")]
    [InlineData("""[Patch("blocks.1.z")] static Tensor P(Tensor x) => x;""", """[Patch("blocks.1.attn.z")] static Tensor P(Tensor x) => x;""")]
    [InlineData("""[Patch("blocks.1.attn.z[haed=1]")] static Tensor P(Tensor x) => x;""", """[Patch("blocks.1.attn.z[head=1]")] static Tensor P(Tensor x) => x;""")]
    [InlineData("""[Patch(@"embed[pos=ned]")] static Tensor P(Tensor x) => x;""", """[Patch("embed[pos=end]")] static Tensor P(Tensor x) => x;""")]
    [InlineData("""[Patch("embed")] static Tensor P([From("corrupt")] Tensor x) => x;""", """[Patch("embed")] static Tensor P([From("corrupted")] Tensor x) => x;""")]
    [InlineData("""[Metric] static Tensor M([Logit("io", At = "S2-1")] Tensor x) => x;""", """[Metric] static Tensor M([Logit("IO", At = "S1-1")] Tensor x) => x;""")]
    [InlineData("""[Patch("blocks.1.mlp_out")] static Tensor P([ValueOf("embedd")] Tensor x) => x; [Gradient("embed", Of = "m")] static Tensor G(Tensor x) => x; [Metric] static Tensor M([Answer("s")] Tensor x) => x;""", """[Patch("blocks.1.mlp_out")] static Tensor P([ValueOf("embed")] Tensor x) => x; [Gradient("embed", Of = "M")] static Tensor G(Tensor x) => x; [Metric] static Tensor M([Answer("S")] Tensor x) => x;""")]
    public async Task SuggestionsAreWritten(string before, string after) =>
        Assert.Equal(Sources.Intervention(after), await Fix(new SpellingCodeFix(), Sources.Intervention(before)));

    [Theory]
    [InlineData("""[Patch("blocks.2.mlp_out")] static Tensor P(Tensor x) => x;""")]
    [InlineData("""const string Path = "embad"; [Patch(Path)] static Tensor P(Tensor x) => x;""")]
    public async Task WhatHasNoOneRepairIsLeft(string members) =>
        Assert.Equal(Sources.Intervention(members), await Fix(new SpellingCodeFix(), Sources.Intervention(members)));

    [Theory]
    [InlineData("// why\n[Intervention<Study.Toy>] public sealed class A;", "// why\n[Intervention<Study.Toy>] public sealed partial class A;")]
    [InlineData("// why\nclass Outer\n{\n    [Intervention<Study.Toy>]\n    class A;\n}\n", "// why\npartial class Outer\n{\n    [Intervention<Study.Toy>]\n    partial class A;\n}\n")]
    public async Task TypesAreMadePartial(string before, string after) => Assert.Equal(after, await Fix(new PartialCodeFix(), before));

    [Theory]
    [InlineData("""const double Half = 0.5; [Add(Toy.Sites.Embed, Strength = Half)] public required Tensor D { get; init; }""", """const double Half = 0.5; [Add(Toy.Sites.Embed, Strength = 0.5)] public required Tensor D { get; init; }""")]
    [InlineData("""const string Site = Toy.Sites.Embed; [Patch(Site)] static Tensor P(Tensor x) => x;""", """const string Site = Toy.Sites.Embed; [Patch("embed")] static Tensor P(Tensor x) => x;""")]
    public async Task ValuesAreWrittenOut(string before, string after) =>
        Assert.Equal(Sources.Intervention(after), await Fix(new LiteralCodeFix(), Sources.Intervention(before)));

    [Theory]
    [InlineData("""[Include] public required Inner It { get; init; } [Patch("embed")] static Tensor P(Tensor x) => x;""", """[Include] public required Inner It { get; init; } [Patch("embed", Order = 1)] static Tensor P(Tensor x) => x;""")]
    [InlineData("""[Include] public required Inner A { get; init; } [Include] public required Inner B { get; init; }""", """[Include] public required Inner A { get; init; } [Include(Order = 1)] public required Inner B { get; init; }""")]
    public async Task TheOrderOfTheTextIsSaid(string before, string after)
    {
        const string Inner = """

            [Intervention<Toy, IoiPrompts>] public sealed partial class Inner { [Patch("embed")] static Tensor P(Tensor x) => x * 2 + 1; }
            """;
        Assert.Equal(Sources.Intervention(after) + Inner, await Fix(new OrderCodeFix(), Sources.Intervention(before) + Inner));
    }

    /// <summary>Applies the fix to one diagnostic after the other, until none is left that it repairs.</summary>
    private static async Task<string> Fix(CodeFixProvider provider, string source)
    {
        while (true)
        {
            using var workspace = new AdhocWorkspace();
            Document document = workspace.AddProject("Consumer", LanguageNames.CSharp)
                .WithParseOptions(new CSharpParseOptions(LanguageVersion.CSharp13)).AddDocument("File.cs", SourceText.From(source));
            ImmutableArray<Diagnostic> diagnostics = await Analysis.Diagnose(source, Sources.Model, Sources.Prompts);
            List<CodeAction> actions = [];
            foreach (Diagnostic diagnostic in diagnostics.Where(diagnostic => provider.FixableDiagnosticIds.Contains(diagnostic.Id)))
            {
                SyntaxTree tree = (await document.GetSyntaxTreeAsync())!;
                Diagnostic here = Diagnostic.Create(diagnostic.Descriptor, Location.Create(tree, diagnostic.Location.SourceSpan), diagnostic.Properties);
                await provider.RegisterCodeFixesAsync(new CodeFixContext(document, here, (action, _) => actions.Add(action), CancellationToken.None));
            }
            if (actions.Count == 0)
                return source;
            var apply = (ApplyChangesOperation)(await actions[0].GetOperationsAsync(CancellationToken.None)).Single();
            source = (await apply.ChangedSolution.GetDocument(document.Id)!.GetTextAsync()).ToString();
        }
    }
}
