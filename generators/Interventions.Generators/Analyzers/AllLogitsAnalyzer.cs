using System.Collections.Immutable;
using Interventions.Generators.Diagnostics;
using Interventions.Generators.Model;
using Interventions.Generators.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace Interventions.Generators.Analyzers;

/// <summary>INV225: a metric has all logits computed, and looks at some columns only.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class AllLogitsAnalyzer : DiagnosticAnalyzer
{
    private static readonly HashSet<string> Picks = new(StringComparer.Ordinal) { "gather", "index_select", "take", "take_along_dim", "this[]" };

    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics => [Rules.AllLogits];

    /// <inheritdoc/>
    public override void Initialize(AnalysisContext context)
    {
        context.EnableConcurrentExecution();
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
        context.RegisterSyntaxNodeAction(Analyze, SyntaxKind.MethodDeclaration);
    }

    private static void Analyze(SyntaxNodeAnalysisContext context)
    {
        if (((MethodDeclarationSyntax)context.Node).AttributeLists.Count == 0 || context.ContainingSymbol is not IMethodSymbol method || DeclaredMethod.Read(method) is not { Kind: NodeKind.Metric } metric)
            return;
        foreach (DeclaredParameter parameter in metric.Parameters)
        {
            if (parameter.Kind != ReadKind.Logits || context.SemanticModel.GetOperation(context.Node, context.CancellationToken) is not { } body)
                continue;
            List<IParameterReferenceOperation> uses = body.Descendants().OfType<IParameterReferenceOperation>()
                .Where(use => SymbolEqualityComparer.Default.Equals(use.Parameter, parameter.Symbol)).ToList();
            if (uses.Count > 0 && uses.TrueForAll(IsPicked))
                context.ReportDiagnostic(Diagnostic.Create(Rules.AllLogits, parameter.Symbol.Locations[0], method.Name));
        }
    }

    private static bool IsPicked(IParameterReferenceOperation use) => use.Parent switch
    {
        IInvocationOperation call => call.Instance == use && Picks.Contains(call.TargetMethod.Name),
        IPropertyReferenceOperation property => property.Instance == use && Picks.Contains(property.Property.Name),
        _ => false,
    };
}
