using System.Globalization;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Interventions.Generators.Infrastructure;

/// <summary>
/// Reads the arguments of attributes. Where one argument is a constant that a generator adds to the same project, the compiler knows no
/// argument's value yet; all of them are then read from the syntax.
/// </summary>
internal static class AttributeExtensions
{
    /// <summary>Whether an attribute is of the class of that metadata name.</summary>
    public static bool Is(this AttributeData attribute, string metadataName) =>
        attribute.AttributeClass is { } type && type.Is(metadataName);

    /// <summary>
    /// Whether the pipeline looks at this attribute. An attribute that wrongly stands on two parts of a type is taken once.
    /// </summary>
    public static bool IsOnce(this GeneratorAttributeSyntaxContext context, AttributeData? attribute) =>
        attribute?.ApplicationSyntaxReference is { } first && context.Attributes[0].ApplicationSyntaxReference is { } here
        && first.SyntaxTree == here.SyntaxTree && first.Span == here.Span;

    /// <summary>The attribute as it is written: <c>[Zero]</c>.</summary>
    public static string ShortName(this AttributeData attribute)
    {
        string name = attribute.AttributeClass?.Name ?? "";
        return $"[{(name.EndsWith("Attribute", StringComparison.Ordinal) ? name.Substring(0, name.Length - "Attribute".Length) : name)}]";
    }

    /// <summary>Where the attribute stands; null when it is not in source.</summary>
    public static Location? Location(this AttributeData attribute) => attribute.ApplicationSyntaxReference?.GetSyntax().GetLocation();

    /// <summary>Whether an argument of the constructor is given.</summary>
    public static bool HasArgument(this AttributeData attribute, int index) =>
        attribute.ConstructorArguments.Length > index || (attribute.AttributeConstructor is null && attribute.Argument(index) is not null);

    /// <summary>A string argument of the constructor; empty when it is missing, null, or in error.</summary>
    public static string Text(this AttributeData attribute, int index) =>
        attribute.ConstructorArguments.Length > index && attribute.ConstructorArguments[index].Kind != TypedConstantKind.Error
            ? attribute.ConstructorArguments[index] is { Kind: TypedConstantKind.Primitive, Value: string text } ? text : ""
            : ConstantText.Evaluate(attribute.Argument(index)) ?? "";

    /// <summary>A number argument of the constructor; not a number when it cannot be read.</summary>
    public static double Number(this AttributeData attribute, int index) =>
        attribute.ConstructorArguments.Length > index ? attribute.ConstructorArguments[index].Value as double? ?? double.NaN
        : Literal(attribute.Argument(index)) is { } literal and not bool ? Convert.ToDouble(literal, CultureInfo.InvariantCulture)
        : double.NaN;

    /// <summary>
    /// The strings of the constructor's last argument, an array; empty when it is missing. In syntax it is one array, or several arguments.
    /// </summary>
    public static IEnumerable<string> Items(this AttributeData attribute, int index) =>
        attribute.ConstructorArguments.Length > index
            ? attribute.ConstructorArguments[index] is { Kind: TypedConstantKind.Array, IsNull: false } array
                ? array.Values.Select(value => value.Value as string ?? "") : []
            : attribute.WrittenItems(index);

    /// <summary>The strings of a constructor's argument that is an array; null where it is one string.</summary>
    public static IReadOnlyList<string>? List(this AttributeData attribute, int index) =>
        attribute.ConstructorArguments.Length > index && attribute.ConstructorArguments[index].Kind != TypedConstantKind.Error
            ? attribute.ConstructorArguments[index] is { Kind: TypedConstantKind.Array, IsNull: false } array
                ? array.Values.Select(value => value.Value as string ?? "").ToList() : null
            : attribute.Argument(index) is { } written
                ? Elements(written)?.Select(item => ConstantText.Evaluate(item) ?? "").ToList() : null;

    /// <summary>A string that the attribute sets by name; null when it sets none.</summary>
    public static string? Named(this AttributeData attribute, string name)
    {
        foreach (KeyValuePair<string, TypedConstant> argument in attribute.NamedArguments)
            if (argument.Key == name)
                return argument.Value.Value as string;
        return attribute.IsBound() ? null : ConstantText.Evaluate(attribute.NamedExpression(name));
    }

    /// <summary>A number or a truth value that the attribute sets by name.</summary>
    public static T Named<T>(this AttributeData attribute, string name, T otherwise)
        where T : struct, IConvertible
    {
        foreach (KeyValuePair<string, TypedConstant> argument in attribute.NamedArguments)
            if (argument.Key == name)
                return argument.Value.Value is T value ? value : otherwise;
        return !attribute.IsBound() && Literal(attribute.NamedExpression(name)) is { } literal
            ? (T)Convert.ChangeType(literal, typeof(T), CultureInfo.InvariantCulture) : otherwise;
    }

    /// <summary>The member of an enum that the attribute sets by name; null when it sets none.</summary>
    public static string? NamedMember(this AttributeData attribute, string name)
    {
        foreach (KeyValuePair<string, TypedConstant> argument in attribute.NamedArguments)
            if (argument.Key == name)
                return argument.Value.Type?.GetMembers().OfType<IFieldSymbol>()
                    .FirstOrDefault(member => member.HasConstantValue && Equals(member.ConstantValue, argument.Value.Value))?.Name;
        return attribute.IsBound() ? null : attribute.NamedExpression(name) switch
        {
            MemberAccessExpressionSyntax { Name.Identifier.ValueText: var member } => member,
            IdentifierNameSyntax { Identifier.ValueText: var member } => member,
            _ => null,
        };
    }

    /// <summary>The strings of an array that the attribute sets by name; null when it sets none.</summary>
    public static IReadOnlyList<string>? NamedItems(this AttributeData attribute, string name)
    {
        foreach (KeyValuePair<string, TypedConstant> argument in attribute.NamedArguments)
            if (argument.Key == name)
                return argument.Value.Texts().ToList();
        return !attribute.IsBound() && attribute.NamedExpression(name) is { } written
            ? (Elements(written) ?? []).Select(element => ConstantText.Evaluate(element) ?? "").ToList() : null;
    }

    /// <summary>The strings of an array argument; null and empty ones are left out.</summary>
    public static IEnumerable<string> Texts(this TypedConstant argument) =>
        argument is { Kind: TypedConstantKind.Array, IsNull: false }
            ? argument.Values.Select(value => value.Value as string).OfType<string>()
            : [];

    /// <summary>The expression of an argument of the constructor; null when it is not given.</summary>
    public static ExpressionSyntax? Argument(this AttributeData attribute, int index)
    {
        if (attribute.Arguments() is not { } written)
            return null;
        // With an argument in error, the compiler does not say which constructor is meant.
        IEnumerable<IMethodSymbol> constructors =
            attribute.AttributeConstructor is { } known ? [known] : attribute.AttributeClass?.InstanceConstructors ?? [];
        List<string?> names = constructors.Select(constructor => constructor.Parameters.ElementAtOrDefault(index)?.Name).ToList();
        List<AttributeArgumentSyntax> arguments = written.Where(argument => argument.NameEquals is null).ToList();
        AttributeArgumentSyntax? found =
            arguments.Find(argument => argument.NameColon is { } name && names.Contains(name.Name.Identifier.ValueText))
            ?? arguments.Where(argument => argument.NameColon is null).ElementAtOrDefault(index);
        return found?.Expression;
    }

    /// <summary>The expression of one string of the constructor's last argument.</summary>
    public static ExpressionSyntax? ItemExpression(this AttributeData attribute, int index, int item) => attribute.Argument(index) switch
    {
        { } array when Elements(array) is { } elements => elements.ElementAtOrDefault(item),
        { } first when item == 0 => first,
        _ => attribute.Argument(index + item),
    };

    /// <summary>The expression that the attribute sets by name; null when it sets none.</summary>
    public static ExpressionSyntax? NamedExpression(this AttributeData attribute, string name)
    {
        if (attribute.Arguments() is { } arguments)
            foreach (AttributeArgumentSyntax argument in arguments)
                if (argument.NameEquals?.Name.Identifier.ValueText == name)
                    return argument.Expression;
        return null;
    }

    /// <summary>The expression of one string of an array that the attribute sets by name.</summary>
    public static ExpressionSyntax? NamedItemExpression(this AttributeData attribute, string name, int item) =>
        attribute.NamedExpression(name) is { } array ? Elements(array)?.ElementAtOrDefault(item) ?? array : null;

    /// <summary>The elements of an array that is written out; null for any other expression.</summary>
    public static IEnumerable<ExpressionSyntax>? Elements(ExpressionSyntax expression) => expression switch
    {
        ArrayCreationExpressionSyntax { Initializer: { } items } => items.Expressions,
        ImplicitArrayCreationExpressionSyntax { Initializer: { } items } => items.Expressions,
        CollectionExpressionSyntax items => items.Elements.OfType<ExpressionElementSyntax>().Select(element => element.Expression),
        _ => null,
    };

    /// <summary>A literal number or truth value, with its sign; null for any other expression.</summary>
    public static object? Literal(ExpressionSyntax? expression) => expression switch
    {
        LiteralExpressionSyntax { Token.Value: { } value } when value is not string => value,
        PrefixUnaryExpressionSyntax { RawKind: (int)SyntaxKind.UnaryMinusExpression, Operand: var operand }
            when Literal(operand) is { } value and not bool => -Convert.ToDouble(value, CultureInfo.InvariantCulture),
        _ => null,
    };

    /// <summary>Whether the syntax of every text says the value that the compiler knows.</summary>
    public static bool IsReadAsWritten(this AttributeData attribute)
    {
        for (int i = 0; i < attribute.ConstructorArguments.Length; i++)
        {
            TypedConstant argument = attribute.ConstructorArguments[i];
            if (argument.Kind == TypedConstantKind.Error)
                return false;
            bool isRight = argument is not { Kind: TypedConstantKind.Array, IsNull: false }
                ? IsRight(attribute.Argument(i), argument)
                : argument.Values.Select((item, j) => IsRight(attribute.ItemExpression(i, j), item)).All(right => right);
            if (!isRight)
                return false;
        }
        foreach (KeyValuePair<string, TypedConstant> named in attribute.NamedArguments)
        {
            bool isRight = named.Value is not { Kind: TypedConstantKind.Array, IsNull: false }
                ? IsRight(attribute.NamedExpression(named.Key), named.Value)
                : named.Value.Values.Select((item, i) => IsRight(attribute.NamedItemExpression(named.Key, i), item)).All(right => right);
            if (!isRight)
                return false;
        }
        return true;

        static bool IsRight(ExpressionSyntax? written, TypedConstant value) =>
            written is null || value.Kind == TypedConstantKind.Array || value.Value is not string text
            || ConstantText.Evaluate(written) == text;
    }

    /// <summary>
    /// Whether the compiler surely knows every argument: where one is in error, it gives the constructor's arguments no values. The syntax
    /// of an attribute that is bound need not be looked at, which costs more than all the rest.
    /// </summary>
    private static bool IsBound(this AttributeData attribute)
    {
        if (attribute.AttributeConstructor is not { Parameters.Length: > 0 and var count }
            || attribute.ConstructorArguments.Length != count)
            return false;
        foreach (TypedConstant argument in attribute.ConstructorArguments)
            if (argument.Kind == TypedConstantKind.Error)
                return false;
        return true;
    }

    private static SeparatedSyntaxList<AttributeArgumentSyntax>? Arguments(this AttributeData attribute) =>
        (attribute.ApplicationSyntaxReference?.GetSyntax() as AttributeSyntax)?.ArgumentList?.Arguments;

    private static IEnumerable<string> WrittenItems(this AttributeData attribute, int index)
    {
        for (int i = index; attribute.Argument(i) is { } argument; i++)
            foreach (ExpressionSyntax item in Elements(argument) ?? [argument])
                yield return ConstantText.Evaluate(item) ?? "";
    }
}
