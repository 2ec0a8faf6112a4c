using System.Collections.Immutable;
using Interventions.Generators.Configs;
using Interventions.Generators.Diagnostics;
using Interventions.Generators.Model;
using Interventions.Generators.Schema;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Text;

namespace Interventions.Generators.Analyzers;

/// <summary>The base of analyzers that report inside a <c>config.json</c> that some class names.</summary>
public abstract class ConfigAnalyzer : DiagnosticAnalyzer
{
    private readonly DiagnosticDescriptor _rule;

    private protected ConfigAnalyzer(DiagnosticDescriptor rule) => _rule = rule;

    /// <inheritdoc/>
    public sealed override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics => [_rule];

    /// <inheritdoc/>
    public sealed override void Initialize(AnalysisContext context)
    {
        context.EnableConcurrentExecution();
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
        context.RegisterCompilationStartAction(start =>
        {
            // Most JSON files of a project are nobody's configuration, and most projects have none: the classes are looked for once, and only then.
            var names = new Lazy<IReadOnlyList<string>>(() => ConfigNames.Of(start.Compilation, start.CancellationToken));
            start.RegisterAdditionalFileAction(file =>
            {
                if (ConfigParser.IsCandidate(file.AdditionalFile) && names.Value.Any(name => ConfigPath.IsNamed(file.AdditionalFile.Path, name))
                    && ConfigParser.Parse(file.AdditionalFile, file.CancellationToken).Problem is { } problem && Reports(problem))
                    file.ReportDiagnostic(Diagnostic.Create(_rule, At(file.AdditionalFile, problem, file.CancellationToken), problem.Message));
            });
        });
    }

    /// <summary>Whether the problem is one of this rule.</summary>
    private protected abstract bool Reports(ConfigProblem problem);

    private static Location At(AdditionalText file, ConfigProblem problem, CancellationToken cancellation)
    {
        var span = new TextSpan(problem.Start, problem.Length);
        return file.GetText(cancellation) is { } text ? Location.Create(file.Path, span, text.Lines.GetLinePositionSpan(span)) : Location.None;
    }
}
