using System.Collections.Immutable;
using Interventions.Generators.Analyzers;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Tests.Testing;

/// <summary>Runs every analyzer on sources, after the generators. <c>[|</c> and <c>|]</c> mark what should be squiggled.</summary>
internal static class Analysis
{
    /// <summary>All analyzers of the package.</summary>
    public static ImmutableArray<DiagnosticAnalyzer> Analyzers { get; } =
    [
        .. typeof(UnknownSiteAnalyzer).Assembly.GetTypes()
            .Where(type => !type.IsAbstract && type.IsSubclassOf(typeof(DiagnosticAnalyzer)) && !type.IsSubclassOf(typeof(DiagnosticSuppressor)))
            .Select(type => (DiagnosticAnalyzer)Activator.CreateInstance(type)!),
    ];

    /// <summary>What the compiler and the analyzers say, in the order of the source.</summary>
    public static async Task<ImmutableArray<Diagnostic>> Diagnose(params string[] sources)
    {
        CSharpCompilation compilation = Compilations.Generate(Compilations.Of([.. sources.Select(Unmark)]));
        ImmutableArray<Diagnostic> analyzed = await compilation
            .WithAnalyzers(Analyzers, new CompilationWithAnalyzersOptions(
                new AnalyzerOptions([]), (exception, _, _) => throw new InvalidOperationException("An analyzer threw.", exception), true, false))
            .GetAllDiagnosticsAsync(CancellationToken.None);
        return [.. analyzed.Where(diagnostic => diagnostic.Severity != DiagnosticSeverity.Hidden).OrderBy(diagnostic => diagnostic.Location.SourceSpan.Start)];
    }

    /// <summary>Asserts that one rule is broken at the mark, that its message holds a text, and that nothing else is wrong.</summary>
    public static async Task Fires(string id, string message, params string[] sources)
    {
        ImmutableArray<Diagnostic> diagnostics = await Diagnose(sources);

        Diagnostic diagnostic = Assert.Single(diagnostics);
        Assert.Equal(id, diagnostic.Id);
        Assert.Contains(message, diagnostic.GetMessage(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal);
        string marked = sources.Single(source => source.Contains("[|", StringComparison.Ordinal));
        int start = marked.IndexOf("[|", StringComparison.Ordinal);
        int length = marked.IndexOf("|]", StringComparison.Ordinal) - start - 2;
        Assert.Equal(Unmark(marked).Substring(start, length), diagnostic.Location.SourceTree!.ToString().Substring(diagnostic.Location.SourceSpan.Start, diagnostic.Location.SourceSpan.Length));
        Assert.Equal(start, diagnostic.Location.SourceSpan.Start);
    }

    private static string Unmark(string source) => source.Replace("[|", "", StringComparison.Ordinal).Replace("|]", "", StringComparison.Ordinal);
}
