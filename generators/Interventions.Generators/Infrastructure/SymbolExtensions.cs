using System;
using System.Globalization;
using System.Text;
using Interventions.Generators.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Interventions.Generators.Infrastructure;

/// <summary>Questions about symbols.</summary>
internal static class SymbolExtensions
{
    private static readonly SymbolDisplayFormat Plain =
        new(typeQualificationStyle: SymbolDisplayTypeQualificationStyle.NameAndContainingTypesAndNamespaces);

    /// <summary>The name that reflection would give it: <c>Namespace.Outer+Inner`1</c>.</summary>
    public static string MetadataName(this ITypeSymbol type)
    {
        var name = new StringBuilder(type.MetadataName);
        for (INamedTypeSymbol? outer = type.ContainingType; outer is not null; outer = outer.ContainingType)
            name.Insert(0, outer.MetadataName + "+");
        if (type.ContainingNamespace is { IsGlobalNamespace: false } space)
            name.Insert(0, space.ToDisplayString(Plain) + ".");
        return name.ToString();
    }

    /// <summary>Whether this is the type of that metadata name.</summary>
    public static bool Is(this ITypeSymbol type, string metadataName)
    {
        // From the last name to the first, and no text is made: this is asked of every attribute.
        ISymbol at = type;
        for (int end = metadataName.Length; ;)
        {
            int start = end - at.MetadataName.Length;
            if (start < 0 || string.CompareOrdinal(metadataName, start, at.MetadataName, 0, end - start) != 0)
                return false;
            if ((at.ContainingType ?? (ISymbol?)at.ContainingNamespace) is not { } outer || outer is INamespaceSymbol { IsGlobalNamespace: true })
                return start == 0;
            if (start == 0 || metadataName[start - 1] != (outer is INamespaceSymbol ? '.' : '+'))
                return false;
            (at, end) = (outer, start - 1);
        }
    }

    /// <summary>The first attribute of that metadata name.</summary>
    public static AttributeData? Attribute(this ISymbol symbol, string metadataName)
    {
        foreach (AttributeData attribute in symbol.GetAttributes())
            if (attribute.AttributeClass is { } type && type.Is(metadataName))
                return attribute;
        return null;
    }

    /// <summary>Whether this is the place of that attribute: one that wrongly stands on two parts of a type is taken once.</summary>
    public static bool IsOnce(this GeneratorAttributeSyntaxContext context, AttributeData? attribute) =>
        attribute?.ApplicationSyntaxReference is { } first && context.Attributes[0].ApplicationSyntaxReference is { } here
        && first.SyntaxTree == here.SyntaxTree && first.Span == here.Span;

    /// <summary>
    /// A string argument of an attribute's constructor; empty when it is missing, null, or in error. A constant that is still to be generated is no error.
    /// </summary>
    public static string Text(this AttributeData attribute, int index) =>
        attribute.ConstructorArguments.Length > index && attribute.ConstructorArguments[index].Kind != TypedConstantKind.Error
            ? attribute.ConstructorArguments[index] is { Kind: TypedConstantKind.Primitive, Value: string text } ? text : ""
            : ConstantText.Evaluate(attribute.Argument(index)) ?? "";

    /// <summary>
    /// A number of an attribute's constructor; not a number when it cannot be read. Beside a constant that is still to be generated the compiler knows no
    /// argument's value, so a literal is read as it is written.
    /// </summary>
    public static double Number(this AttributeData attribute, int index) =>
        attribute.ConstructorArguments.Length > index ? attribute.ConstructorArguments[index].Value as double? ?? double.NaN
        : Literal(attribute.Argument(index)) is { } literal and not bool ? Convert.ToDouble(literal, CultureInfo.InvariantCulture)
        : double.NaN;

    /// <summary>Whether an argument of an attribute's constructor is given.</summary>
    public static bool HasArgument(this AttributeData attribute, int index) =>
        attribute.ConstructorArguments.Length > index || (attribute.AttributeConstructor is null && attribute.Argument(index) is not null);

    /// <summary>The expression of an argument of an attribute's constructor, as it is written.</summary>
    public static ExpressionSyntax? Argument(this AttributeData attribute, int index, CancellationToken cancellation = default)
    {
        var syntax = attribute.ApplicationSyntaxReference?.GetSyntax(cancellation) as AttributeSyntax;
        // Where an argument is in error, which constructor is meant is not known.
        IEnumerable<IMethodSymbol> constructors =
            attribute.AttributeConstructor is { } known ? [known] : attribute.AttributeClass?.InstanceConstructors ?? [];
        List<string?> names = constructors.Select(constructor => constructor.Parameters.ElementAtOrDefault(index)?.Name).ToList();
        AttributeArgumentSyntax[] arguments = syntax?.ArgumentList?.Arguments.Where(argument => argument.NameEquals is null).ToArray() ?? [];
        AttributeArgumentSyntax? found =
            arguments.FirstOrDefault(argument => argument.NameColon is { } name && names.Contains(name.Name.Identifier.ValueText))
            ?? arguments.Where(argument => argument.NameColon is null).ElementAtOrDefault(index);
        return found?.Expression;
    }

    /// <summary>The attribute as it is written: <c>[Zero]</c>.</summary>
    public static string ShortName(this AttributeData attribute)
    {
        string name = attribute.AttributeClass?.Name ?? "";
        return $"[{(name.EndsWith("Attribute", StringComparison.Ordinal) ? name.Substring(0, name.Length - "Attribute".Length) : name)}]";
    }

    /// <summary>
    /// The strings of an array argument of an attribute's constructor, which is its last; empty when it is missing. Beside a constant that is still to be generated they are
    /// read as they are written: as an array, or one by one.
    /// </summary>
    public static IEnumerable<string> Items(this AttributeData attribute, int index) =>
        attribute.ConstructorArguments.Length > index
            ? attribute.ConstructorArguments[index] is { Kind: TypedConstantKind.Array, IsNull: false } array ? array.Values.Select(Item) : []
            : Written(attribute, index);

    /// <summary>The strings of an argument of an attribute's constructor that is an array; null where it is none.</summary>
    public static IReadOnlyList<string>? List(this AttributeData attribute, int index) =>
        attribute.ConstructorArguments.Length > index
            ? attribute.ConstructorArguments[index] is { Kind: TypedConstantKind.Array, IsNull: false } array ? array.Values.Select(Item).ToList() : null
            : attribute.Argument(index) is { } written ? Elements(written)?.Select(item => ConstantText.Evaluate(item) ?? "").ToList() : null;

    private static string Item(TypedConstant value) => value.Value as string ?? "";

    private static IEnumerable<string> Written(AttributeData attribute, int index)
    {
        for (int i = index; attribute.Argument(i) is { } argument; i++)
            foreach (ExpressionSyntax item in Elements(argument) ?? [argument])
                yield return ConstantText.Evaluate(item) ?? "";
    }

    /// <summary>What stands in an array that is written out; null for any other expression.</summary>
    public static IEnumerable<ExpressionSyntax>? Elements(ExpressionSyntax expression) => expression switch
    {
        ArrayCreationExpressionSyntax { Initializer: { } items } => items.Expressions,
        ImplicitArrayCreationExpressionSyntax { Initializer: { } items } => items.Expressions,
        CollectionExpressionSyntax items => items.Elements.OfType<ExpressionElementSyntax>().Select(element => element.Expression),
        _ => null,
    };

    /// <summary>A string that an attribute sets by name.</summary>
    public static string? Named(this AttributeData attribute, string name)
    {
        foreach (var argument in attribute.NamedArguments)
            if (argument.Key == name)
                return argument.Value.Value as string;
        return ConstantText.Evaluate(attribute.NamedExpression(name));
    }

    /// <summary>The strings of an array that an attribute sets by name; null where it does not.</summary>
    public static IReadOnlyList<string>? NamedItems(this AttributeData attribute, string name)
    {
        foreach (var argument in attribute.NamedArguments)
            if (argument.Key == name)
                return argument.Value.Texts().ToList();
        return attribute.NamedExpression(name) is { } written ? (Elements(written) ?? []).Select(element => ConstantText.Evaluate(element) ?? "").ToList() : null;
    }

    /// <summary>A number or a truth value that an attribute sets by name.</summary>
    public static T Named<T>(this AttributeData attribute, string name, T otherwise)
        where T : struct, IConvertible
    {
        foreach (var argument in attribute.NamedArguments)
            if (argument.Key == name)
                return argument.Value.Value is T value ? value : otherwise;
        return Literal(attribute.NamedExpression(name)) is { } literal ? (T)Convert.ChangeType(literal, typeof(T), CultureInfo.InvariantCulture) : otherwise;
    }

    /// <summary>Beside a constant that is still to be generated the compiler knows no argument's value: they are read as they are written.</summary>
    private static ExpressionSyntax? NamedExpression(this AttributeData attribute, string name)
    {
        if (attribute.ApplicationSyntaxReference?.GetSyntax() is AttributeSyntax { ArgumentList.Arguments: var arguments })
            foreach (AttributeArgumentSyntax argument in arguments)
                if (argument.NameEquals?.Name.Identifier.ValueText == name)
                    return argument.Expression;
        return null;
    }

    /// <summary>A literal number or truth value, with its sign.</summary>
    public static object? Literal(ExpressionSyntax? expression) => expression switch
    {
        LiteralExpressionSyntax { Token.Value: { } value } when value is not string => value,
        PrefixUnaryExpressionSyntax { RawKind: (int)SyntaxKind.UnaryMinusExpression, Operand: var operand } when Literal(operand) is { } value and not bool =>
            -Convert.ToDouble(value, CultureInfo.InvariantCulture),
        _ => null,
    };

    /// <summary>Strings of an array argument; null and empty ones are left out.</summary>
    public static IEnumerable<string> Texts(this TypedConstant argument) =>
        argument is { Kind: TypedConstantKind.Array, IsNull: false }
            ? argument.Values.Select(value => value.Value as string).OfType<string>()
            : [];

    /// <summary>Whether the type and all types around it are partial, so that something can be added. True for types of referenced assemblies.</summary>
    public static bool IsPartial(this INamedTypeSymbol type, CancellationToken cancellation = default)
    {
        for (INamedTypeSymbol? at = type; at is not null; at = at.ContainingType)
            foreach (SyntaxReference reference in at.DeclaringSyntaxReferences)
                if (reference.GetSyntax(cancellation) is TypeDeclarationSyntax declaration && !declaration.Modifiers.Any(SyntaxKind.PartialKeyword))
                    return false;
        return true;
    }

    /// <summary>The type's base types, nearest first.</summary>
    public static IEnumerable<INamedTypeSymbol> BaseTypes(this INamedTypeSymbol type)
    {
        for (INamedTypeSymbol? at = type.BaseType; at is not null; at = at.BaseType)
            yield return at;
    }

    /// <summary>How far the type can be seen: 3 everywhere, 2 in its assembly, 1 in the types around it.</summary>
    public static int Visibility(this ITypeSymbol type)
    {
        int least = 3;
        for (ITypeSymbol? at = type; at is not null; at = at.ContainingType)
            least = Math.Min(least, at.DeclaredAccessibility switch
            {
                Accessibility.Public => 3,
                Accessibility.Internal or Accessibility.ProtectedOrInternal => 2,
                _ => 1,
            });
        return least;
    }

    /// <summary>The type in generated code: <c>global::Namespace.Type</c>.</summary>
    public static string Qualified(this ITypeSymbol type) => type.ToDisplayString(SymbolDisplayFormat.FullyQualifiedFormat);
}
