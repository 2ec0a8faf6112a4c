using Interventions.Generators.Configs;
using Interventions.Generators.Diagnostics;
using Interventions.Generators.Infrastructure;
using Interventions.Generators.Model;
using Interventions.Models.Families;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV017: the class is no model of the family that its configuration describes, or already has a schema.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class ConfigFamilyAnalyzer() : HookedModelAnalyzer(Rules.ConfigFamily)
{
    private protected override string? Message(INamedTypeSymbol type, string name, IReadOnlyList<ConfigModel> named)
    {
        if (type.Attribute(KnownNames.ModelSchema) is { ApplicationSyntaxReference.SyntaxTree.FilePath: var path }
            && !path.EndsWith(".g.cs", StringComparison.Ordinal))
            return $"'{type.Name}' has [ModelSchema] too; its sizes come from one of the two";
        if (named.Count != 1 || named[0].ModelType is not { } modelType)
            return null;
        DecoderFamily? family = DecoderFamily.All.FirstOrDefault(family => type.BaseTypes().Any(baseType => baseType.Is(family.ModelClass)));
        if (family is not null)
            return family.ModelType == modelType ? null : $"'{type.Name}' is a {Last(family.ModelClass)}, and '{name}' describes a model of type '{modelType}'";
        // The generator writes a base that it can find.
        return type.BaseType is { SpecialType: SpecialType.System_Object } ? $"'{type.Name}' has no base, and Interventions.Models is not referenced" : null;
    }

    private static string Last(string name) => name.Substring(name.LastIndexOf('.') + 1);
}
