using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Interventions.Generators.Infrastructure;

/// <summary>Questions about types and other symbols.</summary>
internal static class SymbolExtensions
{
    private static readonly SymbolDisplayFormat s_plain =
        new(typeQualificationStyle: SymbolDisplayTypeQualificationStyle.NameAndContainingTypesAndNamespaces);

    /// <summary>The name that reflection gives a type: <c>Namespace.Outer+Inner`1</c>.</summary>
    public static string MetadataName(this ITypeSymbol type)
    {
        var name = new StringBuilder(type.MetadataName);
        for (INamedTypeSymbol? outer = type.ContainingType; outer is not null; outer = outer.ContainingType)
            name.Insert(0, outer.MetadataName + "+");
        if (type.ContainingNamespace is { IsGlobalNamespace: false } space)
            name.Insert(0, space.ToDisplayString(s_plain) + ".");
        return name.ToString();
    }

    /// <summary>Whether a type has that metadata name.</summary>
    public static bool Is(this ITypeSymbol type, string metadataName)
    {
        // Names are compared from the last to the first and no text is made: this question is asked of every attribute.
        ISymbol at = type;
        for (int end = metadataName.Length; ;)
        {
            int start = end - at.MetadataName.Length;
            if (start < 0 || string.CompareOrdinal(metadataName, start, at.MetadataName, 0, end - start) != 0)
                return false;
            if ((at.ContainingType ?? (ISymbol?)at.ContainingNamespace) is not { } outer
                || outer is INamespaceSymbol { IsGlobalNamespace: true })
                return start == 0;
            if (start == 0 || metadataName[start - 1] != (outer is INamespaceSymbol ? '.' : '+'))
                return false;
            (at, end) = (outer, start - 1);
        }
    }

    /// <summary>The first attribute of that metadata name; null when the symbol has none.</summary>
    public static AttributeData? Attribute(this ISymbol symbol, string metadataName)
    {
        foreach (AttributeData attribute in symbol.GetAttributes())
            if (attribute.Is(metadataName))
                return attribute;
        return null;
    }

    /// <summary>
    /// Whether the type and all types around it are partial, so that members can be added. True for types of referenced assemblies.
    /// </summary>
    public static bool IsPartial(this INamedTypeSymbol type)
    {
        for (INamedTypeSymbol? at = type; at is not null; at = at.ContainingType)
            if (at.PartsWithoutPartial().Any())
                return false;
        return true;
    }

    /// <summary>The type's parts in source that lack the word <c>partial</c>.</summary>
    public static IEnumerable<TypeDeclarationSyntax> PartsWithoutPartial(this INamedTypeSymbol type) =>
        type.DeclaringSyntaxReferences.Select(reference => reference.GetSyntax()).OfType<TypeDeclarationSyntax>()
            .Where(part => !part.Modifiers.Any(SyntaxKind.PartialKeyword));

    /// <summary>Whether all parts of the symbol are in generated files. Analyzers see those, generators do not.</summary>
    public static bool IsGenerated(this ISymbol symbol) =>
        symbol.DeclaringSyntaxReferences.All(reference => reference.SyntaxTree.IsGenerated());

    /// <summary>Whether a generator added the file.</summary>
    public static bool IsGenerated(this SyntaxTree tree) => tree.FilePath.EndsWith(".g.cs", StringComparison.Ordinal);

    /// <summary>The type's base types, nearest first.</summary>
    public static IEnumerable<INamedTypeSymbol> BaseTypes(this INamedTypeSymbol type)
    {
        for (INamedTypeSymbol? at = type.BaseType; at is not null; at = at.BaseType)
            yield return at;
    }

    /// <summary>The type and its base types, nearest first.</summary>
    public static IEnumerable<INamedTypeSymbol> SelfAndBaseTypes(this INamedTypeSymbol type) => type.BaseTypes().Prepend(type);

    /// <summary>Whether two symbols are the same.</summary>
    public static bool IsSame(this ISymbol? symbol, ISymbol? other) => SymbolEqualityComparer.Default.Equals(symbol, other);

    /// <summary>Whether a property holds a tensor that can be read.</summary>
    public static bool HoldsTensor(this IPropertySymbol property) => property.HasValue() && property.Type.Is(KnownNames.Tensor);

    /// <summary>Whether a property has a value that can be read, and no parameters.</summary>
    public static bool HasValue(this IPropertySymbol property) =>
        property is { IsIndexer: false, GetMethod: not null, RefKind: RefKind.None };

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
