using System.Collections.Immutable;
using Interventions.Generators.Declarations;
using Interventions.Generators.Infrastructure;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Rules;

/// <summary>
/// Makes the descriptors of rules. 0xx: names of sites and vocabularies, which cannot be switched off; 1xx: signatures; 2xx: how the parts
/// of a declaration fit together; 3xx: memory. A rule whose message is "{0}" has several messages, made where it is checked.
/// </summary>
internal static class Rule
{
    /// <summary>
    /// A rule of names. The run time refuses a wrong name with the same message, so nothing is gained by switching the rule off.
    /// </summary>
    public static DiagnosticDescriptor Name(string id, string title, string message = "{0}") =>
        Of(id, title, message, "Names", DiagnosticSeverity.Error, WellKnownDiagnosticTags.NotConfigurable);

    /// <summary>A rule of the signature of one member or type.</summary>
    public static DiagnosticDescriptor Signature(string id, string title, string message = "{0}") =>
        Of(id, title, message, "Signatures", DiagnosticSeverity.Error);

    /// <summary>A rule of how the parts of a declaration fit together.</summary>
    public static DiagnosticDescriptor Composition(
        string id, string title, string message = "{0}", DiagnosticSeverity severity = DiagnosticSeverity.Error) =>
        Of(id, title, message, "Composition", severity);

    /// <summary>A rule of the tensors that a method borrows.</summary>
    public static DiagnosticDescriptor Memory(string id, string title, string message) =>
        Of(id, title, message, "Memory", DiagnosticSeverity.Error);

    private static DiagnosticDescriptor Of(
        string id, string title, string message, string category, DiagnosticSeverity severity, params string[] tags) =>
        new(id, title, message, "Interventions." + category, severity, true, new RulePage(id), null, tags);
}

/// <summary>A broken rule, where it is broken, and the arguments of its message.</summary>
internal sealed record Problem(DiagnosticDescriptor Rule, Location Location, params object[] Arguments)
{
    /// <summary>The whole text, repaired, where a code fix can write it.</summary>
    public string? Suggestion { get; init; }

    /// <summary>What is different after the repair, for the title of the fix.</summary>
    public string? Remark { get; init; }

    /// <summary>The literal that a code fix can write instead of an expression.</summary>
    public string? Literal { get; init; }

    /// <summary>Whether something is missing, which a derived intervention could still add.</summary>
    public bool IsLack { get; init; }

    /// <summary>The problem, reported at another place, where no code fix can mend it.</summary>
    public Problem At(Location location) => new(Rule, location, Arguments);

    /// <summary>The diagnostic, which links to the rule's page where the project's options say in which folder the pages lie.</summary>
    public Diagnostic ToDiagnostic(AnalyzerOptions? options = null)
    {
        ImmutableDictionary<string, string?> properties = ImmutableDictionary<string, string?>.Empty;
        if (Suggestion is not null)
            properties = properties.Add(FixProperties.Suggestion, Suggestion);
        if (Remark is not null)
            properties = properties.Add(FixProperties.Remark, Remark);
        if (Literal is not null)
            properties = properties.Add(FixProperties.Literal, Literal);
        return Diagnostic.Create(options is null ? Rule : RulePage.Linked(Rule, options), Location, properties, Arguments);
    }
}

/// <summary>The base of analyzers: they run concurrently, and do not look at generated code.</summary>
internal abstract class RuleAnalyzer(params DiagnosticDescriptor[] rules) : DiagnosticAnalyzer
{
    /// <inheritdoc/>
    public sealed override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics { get; } = [.. rules];

    /// <inheritdoc/>
    public sealed override void Initialize(AnalysisContext context)
    {
        context.EnableConcurrentExecution();
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
        Register(context);
    }

    /// <summary>Registers the actions of the analyzer.</summary>
    protected abstract void Register(AnalysisContext context);
}

/// <summary>The base of analyzers that look at one intervention at a time.</summary>
internal abstract class InterventionAnalyzer(params DiagnosticDescriptor[] rules) : RuleAnalyzer(rules)
{
    /// <inheritdoc/>
    protected sealed override void Register(AnalysisContext context) => context.RegisterSymbolAction(
        symbol =>
        {
            if (InterventionDeclaration.Of((INamedTypeSymbol)symbol.Symbol, symbol.Compilation) is { } declaration)
                foreach (Problem problem in declaration.Base is { } inherited ? Added(declaration, inherited) : Reported(declaration))
                    symbol.ReportDiagnostic(problem.ToDiagnostic(symbol.Options));
        },
        SymbolKind.NamedType);

    /// <summary>What is reported of a declaration: to an abstract one, derived ones add what it lacks.</summary>
    private IEnumerable<Problem> Reported(InterventionDeclaration declaration) =>
        Problems(declaration).Where(problem => declaration.IsWhole || !problem.IsLack);

    /// <summary>
    /// The problems of a derived intervention that are not reported at its base. One that lies in a member of the base, which is right for
    /// other derived interventions, is reported at the class.
    /// </summary>
    private IEnumerable<Problem> Added(InterventionDeclaration declaration, InterventionDeclaration inherited)
    {
        List<Problem> all = Reported(declaration).ToList();
        if (all.Count == 0)
            return all;
        var known = new HashSet<(string, Location)>(Reported(inherited).Select(problem => (problem.Rule.Id, problem.Location)));
        return all.Where(problem => !known.Contains((problem.Rule.Id, problem.Location)))
            .Select(problem => declaration.IsAt(problem.Location) ? problem : problem.At(declaration.Type.Locations[0]));
    }

    /// <summary>Checks a declaration by all rules of the analyzer.</summary>
    protected abstract IEnumerable<Problem> Problems(InterventionDeclaration declaration);
}
