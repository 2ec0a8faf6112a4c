using Interventions.Generators.Infrastructure;
using Interventions.Generators.Parsing;
using Interventions.Runtime;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Schema;

/// <summary>Reads a prompt set's names from <c>[PromptSchema]</c>, in source or in a referenced assembly.</summary>
internal static class VocabularyReader
{
    /// <summary>The names that an attribute declares for a type.</summary>
    public static PromptVocabulary Read(INamedTypeSymbol type, AttributeData attribute)
    {
        // The last token always has a name, whether or not it is listed.
        EquatableArray<string> positions = Names(attribute, "Positions", "end");
        if (!positions.Contains("end"))
            positions = positions.Append("end").ToEquatableArray();
        return new PromptVocabulary(type.Name, Names(attribute, "Runs", "clean", "corrupted"), positions, Names(attribute, "Answers", "correct", "wrong"));
    }

    /// <summary>The names of a declaration's prompt set, or null when it declares none.</summary>
    public static PromptVocabulary? Of(InterventionDeclaration declaration) =>
        declaration.Once(() => declaration.Prompts is null ? null : TryRead(declaration.Prompts));

    /// <summary>The type's names, or null when it declares none.</summary>
    public static PromptVocabulary? TryRead(ITypeSymbol type) =>
        type is INamedTypeSymbol named && named.Attribute(KnownNames.PromptSchema) is { } attribute ? Read(named, attribute) : null;

    private static EquatableArray<string> Names(AttributeData attribute, string property, params string[] otherwise)
    {
        foreach (var argument in attribute.NamedArguments)
            if (argument.Key == property)
                return argument.Value.Texts().ToEquatableArray();
        return otherwise.ToEquatableArray();
    }
}
