extern alias Generators;

using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Diagnostics;
using Generators::Interventions.Generators;

namespace Interventions.Benchmarks;

/// <summary>
/// A project of 200 interventions of 10 declarations each, in memory, with the generators and analyzers that the package brings.
/// </summary>
internal static class EditorProject
{
    public const int Interventions = 200;

    private static readonly CSharpParseOptions s_parse = new(LanguageVersion.CSharp13);

    private static readonly ImmutableArray<MetadataReference> s_references =
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(path => !Path.GetFileName(path).StartsWith("Interventions.Generators", StringComparison.Ordinal))
            .Select(path => MetadataReference.CreateFromFile(path)),
    ];

    /// <summary>The file that no generator looks at.</summary>
    public const string UnrelatedFile = "Unrelated.cs";

    /// <summary>A project's files: usings, prompts, one class a file, and something else.</summary>
    public static ImmutableArray<(string Path, string Text)> Files { get; } =
    [
        (
            "Usings.cs",
            "global using System; global using Interventions; global using Interventions.Models; global using static TorchSharp.torch;"),
        ("Prompts.cs", """
            namespace Study;
            [PromptSchema(Runs = ["clean", "corrupted"], Positions = ["IO", "S1", "S2", "end"], Answers = ["IO", "S"])]
            public sealed partial class IoiPrompts : PromptSet;
            """),
        (UnrelatedFile, "namespace Study; public static class Unrelated { public static int Value => 1; }"),
        .. Enumerable.Range(0, Interventions).Select(i => (ClassFile(i), Class(i))),
    ];

    /// <summary>The file of a class.</summary>
    public static string ClassFile(int index) => string.Create(CultureInfo.InvariantCulture, $"Study{index}.cs");

    public static SyntaxTree Parse(string path, string text) => CSharpSyntaxTree.ParseText(text, s_parse, path, Encoding.UTF8);

    /// <summary>A compilation that shares nothing with an earlier one but the references.</summary>
    public static CSharpCompilation Compilation(IEnumerable<(string Path, string Text)> files) => CSharpCompilation.Create(
        "Study", files.Select(file => Parse(file.Path, file.Text)), s_references,
        new CSharpCompilationOptions(
            OutputKind.DynamicallyLinkedLibrary, nullableContextOptions: NullableContextOptions.Enable,
            optimizationLevel: OptimizationLevel.Release,
            specificDiagnosticOptions: new Dictionary<string, ReportDiagnostic> { ["CS1701"] = ReportDiagnostic.Suppress }));

    /// <summary>The generators.</summary>
    public static GeneratorDriver Driver(bool track) => CSharpGeneratorDriver.Create(
        Create<IIncrementalGenerator>().Select(generator => generator.AsSourceGenerator()), parseOptions: s_parse,
        driverOptions: new GeneratorDriverOptions(IncrementalGeneratorOutputKind.None, trackIncrementalGeneratorSteps: track));

    /// <summary>The analyzers, and the suppressors.</summary>
    public static ImmutableArray<DiagnosticAnalyzer> Analyzers { get; } = [.. Create<DiagnosticAnalyzer>()];

    private static IEnumerable<T> Create<T>() => typeof(ModelSchemaGenerator).Assembly.GetTypes()
        .Where(type => !type.IsAbstract && type.IsAssignableTo(typeof(T))).Select(type => (T)Activator.CreateInstance(type)!);

    /// <summary>Ten declarations: six writes, two captures, two metrics.</summary>
    private static string Class(int index)
    {
        string layer = (index % 12).ToString(CultureInfo.InvariantCulture);
        return $$"""
            namespace Study;

            [Intervention<Gpt2Small, IoiPrompts>]
            public sealed partial class Study{{index}}
            {
                [Patch("blocks.{layer}.attn.z[head={head}; pos=end]")]
                static Tensor FromCorrupted(Tensor z, [From("corrupted")] Tensor corrupted) => z + 0.5 * (corrupted - z);

                [Patch("blocks.{{layer}}.mlp_out[pos=S1]")]
                static Tensor Mlp(Tensor x, [From("corrupted")] Tensor corrupted) => (x + corrupted) / 2;

                [Patch("blocks.{{layer}}.attn.pattern[query=end; key=IO]")]
                static Tensor Attend(Tensor pattern) => pattern * 0.5;

                [Patch("blocks.[0..{{layer}}].resid_post[pos=S2-1]")]
                static Tensor Residual(Tensor x, [From("corrupted")] Tensor other) => x * 0.9 + other * 0.1;

                [Patch("blocks.{{layer}}.mlp.post[neuron=0..99; pos=end]")]
                static Tensor Neurons(Tensor x) => x.clamp(0, 1);

                [Patch(Gpt2Small.Sites.Embed + "[pos=S1+1]")]
                static Tensor Embed(Tensor x, [From("corrupted", "embed[pos=end]")] Tensor donor) => x + donor;

                [Capture("blocks.*.attn.pattern[query=end]")]
                static Tensor Attention(Tensor pattern) => pattern;

                [Capture(Gpt2Small.Sites.Blocks.All.ResidPost + "[pos=end]")]
                static Tensor Norm(Tensor x) => x.pow(2).sum(-1);

                [Metric]
                static Tensor LogitDifference([Logit("IO")] Tensor io, [Logit("S")] Tensor s) => io - s;

                [Metric]
                static Tensor Sum([Logit("IO", At = "end")] Tensor io, [Logit("S", At = "S2")] Tensor s) => io + s;
            }
            """;
    }
}
