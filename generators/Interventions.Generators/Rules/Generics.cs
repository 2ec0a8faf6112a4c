using System.Collections.Concurrent;
using System.Globalization;
using Interventions.Generators.Declarations;
using Interventions.Generators.Infrastructure;
using Interventions.Sites;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace Interventions.Generators.Rules;

/// <summary>
/// Compares a generic intervention with the model that a use of it names: <c>HeadKnockout&lt;Gpt2Small&gt;</c>. A problem on every model is
/// reported at the declaration; a problem on this model, with the paths of included interventions, is reported at the use.
/// </summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
internal sealed class Generics() : RuleAnalyzer(ClosedUse, ModelParameter)
{
    public static readonly DiagnosticDescriptor ClosedUse = Rule.Name(
        "INV019", "A generic intervention that does not fit the model", "'{0}' does not fit: {1}");

    public static readonly DiagnosticDescriptor ModelParameter = Rule.Signature(
        "INV112", "A generic intervention has one model parameter",
        "'{0}' needs one type parameter that is a model, as in 'where TModel : Gpt2Model'; for one certain model write [Intervention<…>]");

    /// <summary>The checks that a model's own sites and sizes can fail.</summary>
    private static readonly Func<InterventionDeclaration, IEnumerable<Problem>>[] s_ofModel =
        [Names.Check, Placeholders.Check, Order.Causality, PathPatches.Check, Splices.Check, Shapes.Check, Results.Check];

    private static readonly SymbolDisplayFormat s_name = new(genericsOptions: SymbolDisplayGenericsOptions.IncludeTypeParameters);

    protected override void Register(AnalysisContext context)
    {
        context.RegisterSymbolAction(Parameter, SymbolKind.NamedType);
        context.RegisterCompilationStartAction(static start =>
        {
            // Most projects have no generic intervention, and the action on members binds every method.
            if (!GenericInterventions.Exist(start.Compilation, start.CancellationToken))
                return;
            var uses = new ClosedUses(start.Compilation);
            start.RegisterSyntaxNodeAction(node => WrittenType(node, uses), SyntaxKind.GenericName);
            start.RegisterOperationAction(
                operation => InferredType(operation, uses),
                OperationKind.Invocation, OperationKind.PropertyReference, OperationKind.FieldReference);
        });
    }

    private static void Parameter(SymbolAnalysisContext context)
    {
        var type = (INamedTypeSymbol)context.Symbol;
        if (type.Attribute(KnownNames.Intervention) is not null && GenericInterventions.ModelArgument(type) is null
            && InterventionDeclaration.Of(type, context.Compilation) is null)
            context.ReportDiagnostic(new Problem(ModelParameter, type.Locations[0], type.Name).ToDiagnostic(context.Options));
    }

    /// <summary>
    /// Checks a type that is written out: in a creation, a field, a base, an included property; and the return type of a written method.
    /// </summary>
    private static void WrittenType(SyntaxNodeAnalysisContext context, ClosedUses uses)
    {
        if (context.Node.Parent is AttributeSyntax)
            return;
        ISymbol? symbol = context.SemanticModel.GetSymbolInfo(context.Node, context.CancellationToken).Symbol;
        if (symbol is IMethodSymbol method)
            symbol = method.OriginalDefinition.ReturnType is ITypeParameterSymbol ? null : method.ReturnType;
        Report(symbol, context.Node, uses, context.Options, context.ReportDiagnostic);
    }

    /// <summary>Checks a type that follows from another one: by an inferred type argument, or as a member of a generic class.</summary>
    private static void InferredType(OperationAnalysisContext context, ClosedUses uses)
    {
        if (context.Operation.Type is not INamedTypeSymbol { IsGenericType: true } type)
            return;
        (ISymbol? member, ITypeSymbol? declared) = context.Operation switch
        {
            IInvocationOperation { TargetMethod: var method } => (method, method.OriginalDefinition.ReturnType),
            IPropertyReferenceOperation { Property: var property } => (property, property.OriginalDefinition.Type),
            IFieldReferenceOperation { Field: var field } => (field, field.OriginalDefinition.Type),
            _ => ((ISymbol?)null, (ITypeSymbol?)null),
        };
        bool isWritten = context.Operation.Syntax is InvocationExpressionSyntax { Expression: var called }
            && called.DescendantNodesAndSelf().OfType<GenericNameSyntax>().Any(name => name.Identifier.ValueText == member!.Name);
        if (!isWritten && declared is INamedTypeSymbol && !declared.IsSame(type))
            Report(type, context.Operation.Syntax, uses, context.Options, context.ReportDiagnostic);
    }

    private static void Report(ISymbol? symbol, SyntaxNode at, ClosedUses uses, AnalyzerOptions options, Action<Diagnostic> report)
    {
        if (symbol is INamedTypeSymbol { IsGenericType: true } type)
            foreach (string message in uses.Messages(type))
                report(new Problem(ClosedUse, at.GetLocation(), type.ToDisplayString(s_name), message).ToDiagnostic(options));
    }

    /// <summary>The problems of the closed types of a compilation. Each type is checked once, however often it is used.</summary>
    private sealed class ClosedUses(Compilation compilation)
    {
        private readonly ConcurrentDictionary<INamedTypeSymbol, IReadOnlyList<string>> _messages = new(SymbolEqualityComparer.Default);

        /// <summary>The messages about a type; none when it is no generic intervention, or is still open.</summary>
        public IReadOnlyList<string> Messages(INamedTypeSymbol type) => _messages.GetOrAdd(type, key => Find(key, []).Distinct().ToList());

        private IEnumerable<string> Find(INamedTypeSymbol type, HashSet<ISymbol> seen)
        {
            if (!type.IsGenericType || !seen.Add(type)
                || InterventionDeclaration.Of(type.OriginalDefinition, compilation)?.Subject.ModelParameter is null
                || InterventionDeclaration.Of(type, compilation) is not { Subject: { ModelParameter: null, Model: var model } } closed
                || model.TypeKind == TypeKind.Error)
                return [];
            if (!SchemaReader.IsDeclared(model))
                return [$"{model.Name} has no [ModelSchema], so no site of it can be checked"];
            IEnumerable<string> own = type.DeclaringSyntaxReferences.IsEmpty ? OfCompiled(closed) : OfSource(closed);
            return own.Concat(closed.Includes.SelectMany(
                include => include.Symbol.Type is INamedTypeSymbol included ? Find(included, seen) : []));
        }

        private IEnumerable<string> OfSource(InterventionDeclaration closed)
        {
            HashSet<string> onEveryModel =
                InterventionDeclaration.Of(closed.Type.OriginalDefinition, compilation) is { } open ? new(Check(open).Select(Message)) : [];
            foreach (Problem problem in Check(closed))
                if (!onEveryModel.Contains(Message(problem)))
                    yield return Member(closed.Type, problem.Location) is { } member
                        ? $"at '{member}', {Message(problem)}"
                        : Message(problem);
        }

        /// <summary>Private members of another assembly are not seen; its generated attributes list their paths.</summary>
        private static IEnumerable<string> OfCompiled(InterventionDeclaration closed)
        {
            if (closed.Schema is not { } schema)
                yield break;
            foreach (AttributeData site in closed.Type.GetAttributes())
                if (site.Is(KnownNames.DeclaredSite))
                    foreach (SiteProblem problem in SiteResolver.Resolve(site.Text(1), schema, closed.Vocabulary).Problems)
                        yield return $"at '{site.Text(0)}', {problem.Message}";
        }

        /// <summary>The mistakes. What is only warned of is no reason to refuse a use.</summary>
        private static IEnumerable<Problem> Check(InterventionDeclaration declaration) => s_ofModel
            .SelectMany(check => check(declaration)).Where(problem => problem.Rule.DefaultSeverity == DiagnosticSeverity.Error);

        private static string Message(Problem problem) => problem.ToDiagnostic().GetMessage(CultureInfo.InvariantCulture);

        private static string? Member(INamedTypeSymbol type, Location location) => type.GetMembers().FirstOrDefault(
            member => member.DeclaringSyntaxReferences.Any(reference => reference.SyntaxTree == location.SourceTree
                && reference.GetSyntax().Span.Contains(location.SourceSpan)))?.Name;
    }
}
