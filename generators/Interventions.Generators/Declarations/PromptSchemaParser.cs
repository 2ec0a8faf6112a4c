using Interventions.Generators.Infrastructure;
using Interventions.Generators.Specs;
using Interventions.Runtime;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Declarations;

/// <summary>Turns a <c>[PromptSchema]</c> class into its spec.</summary>
internal static class PromptSchemaParser
{
    /// <summary>The spec of a class; null where nothing can be added to it.</summary>
    public static PromptSchemaSpec? Parse(GeneratorAttributeSyntaxContext context, CancellationToken cancellation)
    {
        if (context.TargetSymbol is not INamedTypeSymbol type || !type.IsPartial()
            || !context.IsOnce(type.Attribute(KnownNames.PromptSchema)))
            return null;
        cancellation.ThrowIfCancellationRequested();
        PromptVocabulary vocabulary = VocabularyReader.Read(type, context.Attributes[0]);
        bool isPromptSet = !type.IsAbstract && type.BaseType is { Name: KnownNames.PromptSet } baseType
            && baseType.ContainingNamespace.ToDisplayString().StartsWith("Interventions", StringComparison.Ordinal);
        return new PromptSchemaSpec(
            TypeParser.Parse(type), vocabulary, RunProperties(vocabulary).ToEquatableArray(),
            Distinct(vocabulary.Answers, vocabulary.Runs, "Answer").ToEquatableArray(), isPromptSet);
    }

    /// <summary>The names of the properties of the runs.</summary>
    public static IReadOnlyList<string> RunProperties(PromptVocabulary vocabulary) =>
        Distinct(vocabulary.Runs, vocabulary.Answers, "Run").ToList();

    /// <summary>
    /// A suffix tells apart a run and an answer of one name, and a name from that of the record itself or its template. Names that are
    /// still the same, which a rule reports, get a number, so that the generated code is not in error too.
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
