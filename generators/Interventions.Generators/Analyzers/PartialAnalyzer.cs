using System.Collections.Immutable;
using Interventions.Generators.Diagnostics;
using Interventions.Generators.Infrastructure;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV106: a type that the generator adds to, and every type around it, is partial.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class PartialAnalyzer : DiagnosticAnalyzer
{
    private static readonly string[] Attributes =
    [
        KnownNames.Intervention, KnownNames.InterventionOverModel, KnownNames.InterventionOverModelAndPrompts, KnownNames.ModelSchema, KnownNames.HookedModel,
        KnownNames.PromptSchema,
    ];

    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics => [Rules.Partial];

    /// <inheritdoc/>
    public override void Initialize(AnalysisContext context)
    {
        context.EnableConcurrentExecution();
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
        context.RegisterSymbolAction(Analyze, SymbolKind.NamedType);
    }

    private static void Analyze(SymbolAnalysisContext context)
    {
        if (!Attributes.Any(attribute => context.Symbol.Attribute(attribute) is not null))
            return;
        for (INamedTypeSymbol? type = (INamedTypeSymbol)context.Symbol; type is not null; type = type.ContainingType)
            foreach (SyntaxReference reference in type.DeclaringSyntaxReferences)
                if (reference.GetSyntax(context.CancellationToken) is TypeDeclarationSyntax declaration
                    && !declaration.Modifiers.Any(SyntaxKind.PartialKeyword))
                    context.ReportDiagnostic(Diagnostic.Create(Rules.Partial, declaration.Identifier.GetLocation(), type.Name, context.Symbol.Name));
    }
}
