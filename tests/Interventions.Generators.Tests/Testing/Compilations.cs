using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Text;

namespace Interventions.Generators.Tests.Testing;

/// <summary>Compiles sources against the real Interventions assemblies, as strictly as a consumer can.</summary>
internal static class Compilations
{
    /// <summary>The usual usings.</summary>
    public const string Usings = """
        global using System;
        global using Interventions;
        global using Interventions.Models;
        global using static TorchSharp.torch;
        """;

    /// <summary>How sources are read.</summary>
    public static CSharpParseOptions Parse { get; } = new(LanguageVersion.CSharp13, DocumentationMode.Diagnose);

    /// <summary>How they are compiled: every warning is an error.</summary>
    public static CSharpCompilationOptions Options { get; } = new(
        OutputKind.DynamicallyLinkedLibrary, nullableContextOptions: NullableContextOptions.Enable,
        generalDiagnosticOption: ReportDiagnostic.Error,
        // Binding redirects of old frameworks are no matter of ours; nor are documentation comments of test sources.
        specificDiagnosticOptions: [new("CS1701", ReportDiagnostic.Suppress), new("CS1591", ReportDiagnostic.Suppress)]);

    /// <summary>What they reference.</summary>
    public static ImmutableArray<MetadataReference> References { get; } =
    [
        // Everything that this test runs on, except the generator itself: it has a copy of the grammar.
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(path => !Path.GetFileName(path).StartsWith("Interventions.Generators", StringComparison.Ordinal) && !path.Contains(
                "CodeFixes", StringComparison.Ordinal))
            .Select(path => MetadataReference.CreateFromFile(path)),
    ];

    /// <summary>The generators of the package.</summary>
    public static ImmutableArray<Type> Generators { get; } =
        [typeof(ModelSchemaGenerator), typeof(HookedModelGenerator), typeof(PromptSchemaGenerator), typeof(InterventionGenerator)];

    /// <summary>A compilation of sources, with the usual usings.</summary>
    public static CSharpCompilation Of(params string[] sources) => Of(LanguageVersion.CSharp13, sources);

    /// <summary>A compilation in an older language.</summary>
    public static CSharpCompilation Of(LanguageVersion version, params string[] sources) => CSharpCompilation.Create(
        "Consumer",
        sources.Prepend(Usings).Select(
            (source, i) => CSharpSyntaxTree.ParseText(SourceText.From(source), Parse.WithLanguageVersion(version), $"File{i}.cs")),
        References, Options);

    /// <summary>A driver that remembers what each step did.</summary>
    public static GeneratorDriver Driver(CSharpCompilation compilation, params IEnumerable<AdditionalText> files) =>
        CSharpGeneratorDriver.Create(
        Generators.Select(type => ((IIncrementalGenerator)Activator.CreateInstance(type)!).AsSourceGenerator()), files,
        parseOptions: (CSharpParseOptions)compilation.SyntaxTrees[0].Options,
        driverOptions: new GeneratorDriverOptions(IncrementalGeneratorOutputKind.None, trackIncrementalGeneratorSteps: true));

    /// <summary>The compilation with what the generators add.</summary>
    public static CSharpCompilation Generate(CSharpCompilation compilation, params IEnumerable<AdditionalText> files)
    {
        Driver(compilation, files).RunGeneratorsAndUpdateCompilation(
            compilation, out Compilation generated, out ImmutableArray<Diagnostic> diagnostics);
        Assert.Empty(diagnostics);
        return (CSharpCompilation)generated;
    }

    /// <summary>An assembly of sources and of what the generators add, to be referenced.</summary>
    public static MetadataReference Library(params string[] sources)
    {
        using var image = new MemoryStream();
        Assert.True(Generate(Of(sources).WithAssemblyName("Library")).Emit(image).Success);
        return MetadataReference.CreateFromImage(image.ToArray());
    }

    /// <summary>The generated files, one after the other.</summary>
    public static string GeneratedText(params string[] sources)
    {
        CSharpCompilation compilation = Of(sources);
        return string.Join("\n", Driver(compilation).RunGenerators(compilation).GetRunResult().Results
            .SelectMany(result => result.GeneratedSources)
            .Select(source => $"// ===== {source.HintName}\n{source.SourceText}"));
    }
}
