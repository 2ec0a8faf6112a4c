using Interventions.Generators.Infrastructure;
using Interventions.Generators.Model;
using Interventions.Generators.Schema;
using Interventions.Sites;
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
        List<string> runs = vocabulary.Runs.Select(Literals.Pascal).ToList();
        List<string> answers = vocabulary.Answers.Select(Literals.Pascal).ToList();
        return new PromptSchemaModel(
            TypeModelParser.Parse(type), vocabulary,
            Distinct(runs, answers, "Run").ToEquatableArray(), Distinct(answers, runs, "Answer").ToEquatableArray(), isPromptSet);
    }

    /// <summary>
    /// A run and an answer of the same name are told apart by a suffix, as is what is called like the record itself. Whatever is still the same (which
    /// an analyzer reports where the names are) gets a number, so that the generated code is not in error too.
    /// </summary>
    private static IEnumerable<string> Distinct(List<string> names, List<string> others, string suffix)
    {
        var taken = new HashSet<string>();
        foreach (string name in names)
        {
            string property = others.Contains(name) || name == "Prompt" ? name + suffix : name;
            string distinct = property;
            for (int i = 2; !taken.Add(distinct); i++)
                distinct = property + Literals.Number(i);
            yield return distinct;
        }
    }
}
