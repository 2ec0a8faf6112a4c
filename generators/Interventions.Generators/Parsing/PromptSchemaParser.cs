using Interventions.Generators.Infrastructure;
using Interventions.Generators.Model;
using Interventions.Generators.Schema;
using Interventions.Runtime;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Parsing;

/// <summary>Reads a <c>[PromptSchema]</c> class.</summary>
internal static class PromptSchemaParser
{
    /// <summary>What it declares; null where nothing can be added to it.</summary>
    public static PromptSchemaModel? Parse(GeneratorAttributeSyntaxContext context, CancellationToken cancellation)
    {
        if (context.TargetSymbol is not INamedTypeSymbol type || !type.IsPartial(cancellation) || !context.IsOnce(type.Attribute(KnownNames.PromptSchema)))
            return null;
        cancellation.ThrowIfCancellationRequested();
        PromptVocabulary vocabulary = VocabularyReader.Read(type, context.Attributes[0]);
        bool isPromptSet = !type.IsAbstract && type.BaseType is { Name: KnownNames.PromptSet } baseType
            && baseType.ContainingNamespace.ToDisplayString().StartsWith("Interventions", StringComparison.Ordinal);
        return new PromptSchemaModel(
            TypeModelParser.Parse(type), vocabulary,
            RunProperties(vocabulary).ToEquatableArray(), Distinct(vocabulary.Answers, vocabulary.Runs, "Answer").ToEquatableArray(), isPromptSet);
    }

    /// <summary>How the properties of the runs are called.</summary>
    public static IReadOnlyList<string> RunProperties(PromptVocabulary vocabulary) => Distinct(vocabulary.Runs, vocabulary.Answers, "Run").ToList();

    /// <summary>
    /// A run and an answer of the same name are told apart by a suffix, as is what is called like the record itself or its template. Whatever is still the same (which
    /// an analyzer reports where the names are) gets a number, so that the generated code is not in error too.
    /// </summary>
    private static IEnumerable<string> Distinct(IEnumerable<string> words, IEnumerable<string> otherWords, string suffix)
    {
        var taken = new HashSet<string>();
        List<string> others = otherWords.Select(Literals.Pascal).ToList();
        foreach (string name in words.Select(Literals.Pascal))
        {
            string property = others.Contains(name) || name is "Prompt" or "Template" ? name + suffix : name;
            string distinct = property;
            for (int i = 2; !taken.Add(distinct); i++)
                distinct = property + Literals.Number(i);
            yield return distinct;
        }
    }
}
