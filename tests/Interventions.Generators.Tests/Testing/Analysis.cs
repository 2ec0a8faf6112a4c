using System.Collections.Immutable;
using System.Globalization;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Testing;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Testing;
using Microsoft.CodeAnalysis.Text;

namespace Interventions.Generators.Tests.Testing;

/// <summary>Runs every analyzer on sources, after the generators. <c>[|…|]</c> or <c>{|ID:…|}</c> marks what should be squiggled.</summary>
internal sealed class Analysis : CSharpAnalyzerTest<EmptyDiagnosticAnalyzer, DefaultVerifier>
{
    // No package: what this test runs on is referenced, and nothing is downloaded.
    private static readonly ReferenceAssemblies NoPackages = new("net10.0");

    /// <param name="sources">What is analyzed, with marks.</param>
    public Analysis(params IEnumerable<string> sources) => Prepare(this, sources);

    /// <summary>The rule that is broken at marks without a name.</summary>
    public string DefaultRule { get; init; } = "";

    /// <summary>All analyzers of the package.</summary>
    public static ImmutableArray<DiagnosticAnalyzer> Analyzers { get; } =
    [
        .. typeof(InterventionGenerator).Assembly.GetTypes()
            .Where(type => !type.IsAbstract && type.IsSubclassOf(typeof(DiagnosticAnalyzer))
                && !type.IsSubclassOf(typeof(DiagnosticSuppressor)))
            .Select(type => (DiagnosticAnalyzer)Activator.CreateInstance(type)!),
    ];

    /// <summary>Asserts that compiler and analyzers say what is marked and nothing else: nothing at all, where nothing is marked.</summary>
    public static Task Check(params string[] sources) => Check([], sources);

    /// <summary>The same, with additional files.</summary>
    public static Task Check((string Path, string Text)[] files, params string[] sources) => Run("", files, sources);

    /// <summary>Asserts that one rule is broken at the marks, that a message holds a text, and that nothing else is wrong.</summary>
    public static Task Fires(string id, string message, params string[] sources) => Fires(id, message, [], sources);

    /// <summary>The same, with additional files; the mark may be in one of them.</summary>
    public static async Task Fires(string id, string message, (string Path, string Text)[] files, params string[] sources) =>
        Assert.Contains(await Run(id, files, sources), said => said.Contains(message, StringComparison.Ordinal));

    /// <summary>Compiles the sources of a test as <see cref="Compilations"/> does.</summary>
    public static void Prepare(AnalyzerTest<DefaultVerifier> test, params IEnumerable<string> sources)
    {
        test.ReferenceAssemblies = NoPackages;
        test.TestState.AdditionalReferences.AddRange(Compilations.References);
        test.SolutionTransforms.Add((solution, project) => solution
            .WithProjectCompilationOptions(project, Compilations.Options).WithProjectParseOptions(project, Compilations.Parse));
        foreach (string source in sources.Append(Compilations.Usings))
            test.TestState.Sources.Add(source);
        test.CompilerDiagnostics = CompilerDiagnostics.Suggestions;
        // Snapshots compare what is generated; that pragmas and generated code are heeded is the compiler's matter.
        test.TestBehaviors = TestBehaviors.SkipGeneratedSourcesCheck | TestBehaviors.SkipSuppressionCheck
            | TestBehaviors.SkipGeneratedCodeCheck;
    }

    protected override IEnumerable<DiagnosticAnalyzer> GetDiagnosticAnalyzers() => Analyzers;

    protected override IEnumerable<Type> GetSourceGenerators() => Compilations.Generators;

    // A workspace has no order of files; a compiler, which is told one after the other, has.
    protected override AnalyzerOptions GetAnalyzerOptions(Project project) => project.AnalyzerOptions
        .WithAdditionalFiles([.. project.AnalyzerOptions.AdditionalFiles.OrderBy(file => file.Path, StringComparer.Ordinal)]);

    protected override DiagnosticDescriptor? GetDefaultDiagnostic(DiagnosticAnalyzer[] analyzers) =>
        analyzers.SelectMany(analyzer => analyzer.SupportedDiagnostics).SingleOrDefault(rule => rule.Id == DefaultRule);

    private static async Task<List<string>> Run(string id, (string Path, string Text)[] files, string[] sources)
    {
        List<string> messages = [];
        var test = new Analysis(sources)
        {
            DefaultRule = id,
            DiagnosticVerifier = (found, _, _) => messages.Add(found.GetMessage(CultureInfo.InvariantCulture)),
        };
        test.TestState.AdditionalFiles.AddRange(files.Select(file => (file.Path, SourceText.From(file.Text))));
        await test.RunAsync();
        return messages;
    }
}
