using System.Runtime.CompilerServices;
using Interventions.Generators.Infrastructure;
using Interventions.Runtime;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Declarations;

/// <summary>Reads a prompt set's names from <c>[PromptSchema]</c>, in source or in a referenced assembly.</summary>
internal static class VocabularyReader
{
    /// <summary>A symbol's attributes never change, so the names are kept as long as the symbol.</summary>
    private static readonly ConditionalWeakTable<INamedTypeSymbol, PromptVocabulary> s_vocabularies = new();

    /// <summary>The names that an attribute declares for a type.</summary>
    public static PromptVocabulary Read(INamedTypeSymbol type, AttributeData attribute)
    {
        // The last token always has a name, whether or not it is listed.
        EquatableArray<string> positions = Names(attribute, "Positions", "end");
        if (!positions.Contains("end"))
            positions = positions.Append("end").ToEquatableArray();
        return new PromptVocabulary(
            type.Name, Names(attribute, "Runs", "clean", "corrupted"), positions, Names(attribute, "Answers"));
    }

    /// <summary>The type's names; null when it declares none.</summary>
    public static PromptVocabulary? TryRead(INamedTypeSymbol type) =>
        type.Attribute(KnownNames.PromptSchema) is { } attribute ? s_vocabularies.GetValue(type, key => Read(key, attribute)) : null;

    private static EquatableArray<string> Names(AttributeData attribute, string property, params string[] otherwise)
    {
        foreach (KeyValuePair<string, TypedConstant> argument in attribute.NamedArguments)
            if (argument.Key == property)
                return argument.Value.Texts().ToEquatableArray();
        return otherwise.ToEquatableArray();
    }
}
