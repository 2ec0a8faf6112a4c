using Interventions.Generators.Infrastructure;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Rules;

/// <summary>
/// Finds arguments that the generator reads otherwise than the compiler. It does not see a constant that is generated into the same
/// project: it reads the constant's name; and beside one, where the compiler knows no argument's value, it reads literals and texts only.
/// </summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
internal sealed class Constants() : RuleAnalyzer(HiddenConstant, HiddenArgument)
{
    public static readonly DiagnosticDescriptor HiddenConstant = Rule.Name(
        "INV018", "A text that the generator cannot read",
        "The generator does not see generated constants, only their names: write 'Model.Sites.…' here, or \"{0}\"");

    public static readonly DiagnosticDescriptor HiddenArgument = Rule.Name(
        "INV020", "A value beside a generated constant",
        "Beside a generated constant the generator reads only what is written here: write {0}");

    protected override void Register(AnalysisContext context) => context.RegisterSyntaxNodeAction(Analyze, SyntaxKind.Attribute);

    private static void Analyze(SyntaxNodeAnalysisContext context)
    {
        // Nearly every argument is a literal. The names of constants are the only reason to look further.
        var attribute = (AttributeSyntax)context.Node;
        if (attribute.ArgumentList?.Arguments is not { Count: > 0 } arguments || !arguments.Any(argument => HasName(argument.Expression)))
            return;
        List<ExpressionSyntax> values =
            arguments.SelectMany(argument => AttributeExtensions.Elements(argument.Expression) ?? [argument.Expression]).ToList();
        if ((values.TrueForAll(IsReadable) && Data(attribute, context.ContainingSymbol)?.IsReadAsWritten() == true)
            || context.SemanticModel.GetSymbolInfo(attribute, context.CancellationToken).Symbol?.ContainingType is not { } type
            || type.ContainingNamespace.ToDisplayString() != nameof(Interventions))
            return;
        List<ExpressionSyntax> generated =
            values.FindAll(value => IsGenerated(value, context.SemanticModel, context.CancellationToken));
        if (generated.Count == 0)
            return;
        foreach (ExpressionSyntax value in values)
        {
            if (context.SemanticModel.GetConstantValue(value, context.CancellationToken) is not { HasValue: true, Value: { } constant })
                continue;
            string literal = SymbolDisplay.FormatPrimitive(constant, quoteStrings: true, useHexadecimalNumbers: false)!;
            Problem? problem =
                !generated.Contains(value) ? IsReadable(value) ? null : new Problem(HiddenArgument, value.GetLocation(), literal) :
                constant is string text && ConstantText.Evaluate(value) != text ? new Problem(HiddenConstant, value.GetLocation(), text) :
                null;
            if (problem is not null)
                context.ReportDiagnostic((problem with { Literal = literal }).ToDiagnostic(context.Options));
        }
    }

    /// <summary>Whether an expression contains a name that may be a constant's.</summary>
    private static bool HasName(ExpressionSyntax expression) =>
        expression is not LiteralExpressionSyntax
        && expression.DescendantNodesAndSelf(node => !ConstantText.IsNameOf(node) && node is not TypeOfExpressionSyntax)
            .Any(node => node is IdentifierNameSyntax);

    /// <summary>Whether the generator can read a value from its syntax.</summary>
    private static bool IsReadable(ExpressionSyntax value) =>
        value is TypeOfExpressionSyntax || AttributeExtensions.Literal(value) is not null || ConstantText.Evaluate(value) is not null;

    /// <summary>The attribute as the symbol has it: the compiler has bound it already, which a semantic model would do again.</summary>
    private static AttributeData? Data(AttributeSyntax attribute, ISymbol? owner)
    {
        IEnumerable<AttributeData> known = owner is IMethodSymbol method
            ? method.GetAttributes().Concat(method.GetReturnTypeAttributes())
                .Concat(method.Parameters.SelectMany(parameter => parameter.GetAttributes()))
            : owner?.GetAttributes() ?? [];
        return known.FirstOrDefault(data =>
            data.ApplicationSyntaxReference is { } place && place.Span == attribute.Span && place.SyntaxTree == attribute.SyntaxTree);
    }

    /// <summary>Whether a constant of the expression is generated, or made from one that is.</summary>
    private static bool IsGenerated(SyntaxNode expression, SemanticModel? model, CancellationToken cancellation)
    {
        foreach (IdentifierNameSyntax name in expression.DescendantNodesAndSelf().OfType<IdentifierNameSyntax>())
        {
            // In another file there is no semantic model at hand; the class's name says enough.
            if (model is null)
            {
                if (name.Identifier.ValueText == SiteNames.Class)
                    return true;
                continue;
            }
            if (model.GetSymbolInfo(name, cancellation).Symbol is not IFieldSymbol { IsConst: true } field)
                continue;
            foreach (SyntaxReference reference in field.DeclaringSyntaxReferences)
            {
                if (reference.SyntaxTree.IsGenerated())
                    return true;
                if (reference.GetSyntax(cancellation) is VariableDeclaratorSyntax { Initializer.Value: var initial }
                    && IsGenerated(initial, reference.SyntaxTree == model.SyntaxTree ? model : null, cancellation))
                    return true;
            }
        }
        return false;
    }
}
