using System.Collections.Immutable;
using Interventions.Generators.Analyzers;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Text;

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
    public static Task<ImmutableArray<Diagnostic>> Diagnose(params string[] sources) => Diagnose([], sources);

    /// <summary>The same, with additional files.</summary>
    public static async Task<ImmutableArray<Diagnostic>> Diagnose(ImmutableArray<AdditionalText> files, params string[] sources)
    {
        return await Diagnose(Compilations.Generate(Compilations.Of([.. sources.Select(Unmark)]), files), files);
    }

    /// <summary>What the compiler and the analyzers say about a compilation with its generated files.</summary>
    public static async Task<ImmutableArray<Diagnostic>> Diagnose(CSharpCompilation compilation, ImmutableArray<AdditionalText> files = default)
    {
        ImmutableArray<Diagnostic> analyzed = await compilation
            .WithAnalyzers(Analyzers, new CompilationWithAnalyzersOptions(
                new AnalyzerOptions(files.IsDefault ? [] : files), (exception, _, _) => throw new InvalidOperationException("An analyzer threw.", exception), true, false))
            .GetAllDiagnosticsAsync(CancellationToken.None);
        return [.. analyzed.Where(diagnostic => diagnostic.Severity != DiagnosticSeverity.Hidden).OrderBy(diagnostic => diagnostic.Location.SourceSpan.Start)];
    }

    /// <summary>Asserts that one rule is broken at the mark, that its message holds a text, and that nothing else is wrong.</summary>
    public static Task Fires(string id, string message, params string[] sources) => Fires(id, message, [], sources);

    /// <summary>The same, with additional files; the mark may be in one of them.</summary>
    public static async Task Fires(string id, string message, ImmutableArray<AdditionalText> files, params string[] sources)
    {
        ImmutableArray<Diagnostic> diagnostics = await Diagnose([.. files.Select(file => new InMemoryFile(file.Path, Unmark(file.GetText()!.ToString())))], sources);

        Diagnostic diagnostic = Assert.Single(diagnostics);
        Assert.Equal(id, diagnostic.Id);
        Assert.Contains(message, diagnostic.GetMessage(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal);
        string marked = sources.Concat(files.Select(file => file.GetText()!.ToString())).Single(source => source.Contains("[|", StringComparison.Ordinal));
        int start = marked.IndexOf("[|", StringComparison.Ordinal);
        int length = marked.IndexOf("|]", StringComparison.Ordinal) - start - 2;
        Assert.Equal(new TextSpan(start, length), diagnostic.Location.SourceSpan);
        Assert.Equal(SourceText.From(Unmark(marked)).Lines.GetLinePositionSpan(new TextSpan(start, length)), diagnostic.Location.GetLineSpan().Span);
        if (diagnostic.Location.SourceTree is { } tree)
            Assert.Equal(Unmark(marked), tree.ToString());
        else
            Assert.Equal(files.Single(file => file.GetText()!.ToString() == marked).Path, diagnostic.Location.GetLineSpan().Path);
    }

    private static string Unmark(string source) => source.Replace("[|", "", StringComparison.Ordinal).Replace("|]", "", StringComparison.Ordinal);
}
