using Interventions.Generators.Declarations;
using Interventions.Generators.Infrastructure;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Rules;

/// <summary>Checks the types that the generator adds to, and finds declarations in types to which it adds nothing.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
internal sealed class Types() : RuleAnalyzer(MustBePartial, OutsideIntervention, MustBeObject, ReservedName)
{
    public static readonly DiagnosticDescriptor MustBePartial = Rule.Signature(
        "INV106", "The type must be partial", "'{0}' must be partial: the generator adds to '{1}'");

    public static readonly DiagnosticDescriptor OutsideIntervention = Rule.Signature(
        "INV109", "A declared method outside an intervention", "'{0}' is never run: '{1}' has no [Intervention]");

    public static readonly DiagnosticDescriptor MustBeObject = Rule.Signature(
        "INV110", "An intervention is a value", "'{0}' must not be {1}: an intervention is an object, which generated code completes");

    public static readonly DiagnosticDescriptor ReservedName = Rule.Composition(
        "INV205", "A name that the generator needs", "'{0}' is a name that the generator adds to '{1}'; choose another");

    private static readonly string[] s_completed =
    [
        KnownNames.Intervention, KnownNames.InterventionOverModel, KnownNames.InterventionOverModelAndPrompts, KnownNames.ModelSchema,
        KnownNames.HookedModel, KnownNames.PromptSchema,
    ];

    private static readonly string[] s_ofInterventions =
    [
        KnownNames.Zero, KnownNames.Scale, KnownNames.Freeze, KnownNames.Resample, KnownNames.Mean, KnownNames.PathPatch, KnownNames.Run,
        KnownNames.Changes, KnownNames.Add, KnownNames.ProjectOut, KnownNames.ProjectOnto, KnownNames.Include, KnownNames.Parameter,
        KnownNames.Splice, KnownNames.Mix, KnownNames.Sweep, KnownNames.Pointwise, KnownNames.AcrossBatch,
    ];

    protected override void Register(AnalysisContext context)
    {
        context.RegisterSymbolAction(Partial, SymbolKind.NamedType);
        context.RegisterSymbolAction(Intervention, SymbolKind.NamedType);
        context.RegisterSymbolAction(Outside, SymbolKind.Method, SymbolKind.Property, SymbolKind.NamedType);
    }

    /// <summary>Checks the type and, for the sake of the types inside it, every type around one that the generator adds to.</summary>
    private static void Partial(SymbolAnalysisContext context)
    {
        var type = (INamedTypeSymbol)context.Symbol;
        List<INamedTypeSymbol> completed = Completed(type, context.Compilation).ToList();
        if (completed.Count == 0)
            return;
        foreach (TypeDeclarationSyntax part in type.PartsWithoutPartial())
            foreach (INamedTypeSymbol inner in completed)
                context.ReportDiagnostic(
                    new Problem(MustBePartial, part.Identifier.GetLocation(), type.Name, inner.Name).ToDiagnostic(context.Options));
    }

    /// <summary>The type itself and the types inside it, as far as the generator adds to them.</summary>
    private static IEnumerable<INamedTypeSymbol> Completed(INamedTypeSymbol type, Compilation compilation)
    {
        if (type.GetAttributes().Any(attribute => s_completed.Any(attribute.Is))
            || InterventionDeclaration.Of(type, compilation) is { Base: not null })
            yield return type;
        foreach (INamedTypeSymbol inner in type.GetTypeMembers().SelectMany(inner => Completed(inner, compilation)))
            yield return inner;
    }

    private static void Intervention(SymbolAnalysisContext context)
    {
        var type = (INamedTypeSymbol)context.Symbol;
        if (InterventionDeclaration.Of(type, context.Compilation) is null)
            return;
        if (type.IsStatic || type.IsFileLocal)
            context.ReportDiagnostic(
                new Problem(MustBeObject, type.Locations[0], type.Name, type.IsStatic ? "static" : "file-local")
                    .ToDiagnostic(context.Options));
        foreach (ISymbol member in InterventionParser.Collisions(type))
            context.ReportDiagnostic(new Problem(ReservedName, member.Locations[0], member.Name, type.Name).ToDiagnostic(context.Options));
    }

    private static void Outside(SymbolAnalysisContext context)
    {
        if (context.Symbol.GetAttributes().IsEmpty
            || (context.Symbol as INamedTypeSymbol ?? context.Symbol.ContainingType) is not { } type
            || InterventionDeclaration.AttributeOf(type) is not null || InterventionDeclaration.Of(type, context.Compilation) is not null)
            return;
        if (context.Symbol is IMethodSymbol method && DeclaredMethod.KindOf(method) is not null)
            Report(method.Locations[0], method.Name);
        foreach (AttributeData attribute in context.Symbol.GetAttributes())
            if (s_ofInterventions.Any(attribute.Is))
                Report(attribute.Location() ?? type.Locations[0], attribute.ShortName());

        void Report(Location location, string declared) =>
            context.ReportDiagnostic(new Problem(OutsideIntervention, location, declared, type.Name).ToDiagnostic(context.Options));
    }
}
