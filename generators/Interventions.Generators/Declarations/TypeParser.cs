using System.Text;
using Interventions.Generators.Infrastructure;
using Interventions.Generators.Specs;
using Interventions.Runtime;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Declarations;

/// <summary>Reads the place of a type: its namespace, the types around it, and its header.</summary>
internal static class TypeParser
{
    public static TypeSpec Parse(INamedTypeSymbol type)
    {
        var outer = new List<string>();
        for (INamedTypeSymbol? at = type.ContainingType; at is not null; at = at.ContainingType)
            outer.Insert(0, Header(at));
        string space = type.ContainingNamespace is { IsGlobalNamespace: false } named
            ? named.ToDisplayString(
                SymbolDisplayFormat.FullyQualifiedFormat.WithGlobalNamespaceStyle(SymbolDisplayGlobalNamespaceStyle.Omitted))
            : "";
        return new TypeSpec(
            space, outer.ToEquatableArray(), Header(type), type.Name, Literals.Identifier(type.Name), Reference(type), HintName(type));
    }

    private static string Header(INamedTypeSymbol type)
    {
        string kind = (type.TypeKind, type.IsRecord) switch
        {
            (TypeKind.Struct, true) => "record struct",
            (TypeKind.Struct, false) => "struct",
            (TypeKind.Interface, _) => "interface",
            (_, true) => "record",
            _ => "class",
        };
        return $"partial {kind} {Reference(type)}";
    }

    private static string Reference(INamedTypeSymbol type)
    {
        string name = Literals.Identifier(type.Name);
        IEnumerable<string> parameters = type.TypeParameters.Select(parameter => Literals.Identifier(parameter.Name));
        return type.TypeParameters.Length == 0 ? name : $"{name}<{string.Join(", ", parameters)}>";
    }

    /// <summary>
    /// The type's full name. Where another name differs by case only, which file names may not, the places of the capitals are added.
    /// </summary>
    private static string HintName(INamedTypeSymbol type)
    {
        string full = type.MetadataName();
        var name = new StringBuilder();
        foreach (char c in full)
            name.Append(c switch { '+' => '.', '`' => '-', _ => c });
        if (HasTwin(type))
            name.Append('.').Append(string.Join("-", Enumerable.Range(0, full.Length).Where(i => char.IsUpper(full[i]))));
        return name.Append(".g.cs").ToString();
    }

    /// <summary>Whether a type or a namespace beside this one, or beside one around it, has the same name but for case.</summary>
    private static bool HasTwin(INamedTypeSymbol type)
    {
        for (ISymbol at = type; at.ContainingSymbol is INamespaceOrTypeSymbol around; at = around)
            foreach (ISymbol beside in around.GetMembers())
                if (beside is INamespaceOrTypeSymbol && beside.Name != at.Name
                    && string.Equals(beside.Name, at.Name, StringComparison.OrdinalIgnoreCase))
                    return true;
        return false;
    }
}
