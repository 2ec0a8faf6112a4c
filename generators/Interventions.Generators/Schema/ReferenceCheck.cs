using Interventions.Generators.Diagnostics;
using Interventions.Generators.Infrastructure;
using Interventions.Generators.Parsing;
using Interventions.Sites;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Schema;

/// <summary>The rules of a mean over other prompts: a property holds them, and they have the run and the positions.</summary>
internal static class ReferenceCheck
{
    public static IEnumerable<Problem> Problems(InterventionDeclaration declaration, CancellationToken cancellation)
    {
        ModelSchema? schema = SchemaReader.Of(declaration);
        foreach (DeclaredWrite write in declaration.Writes)
        {
            if (write.Over is not { } name || TextLocation.Property(write.Attribute, "Over", cancellation) is not { } over)
                continue;
            if (ReferencePrompts.Find(declaration, write) is not { } type)
            {
                string? nearest = Spelling.Nearest(name, ReferencePrompts.All(declaration).Select(property => property.Name));
                yield return new Problem(
                    Rules.Reference, over.At(0, name.Length),
                    $"'{declaration.Type.Name}' has no property '{name}' that holds prompts{(nearest is null ? "" : $"; did you mean '{nearest}'?")}")
                { Suggestion = nearest };
                continue;
            }
            if (VocabularyReader.TryRead(type) is not { } prompts)
                continue;
            if (TextLocation.Property(write.Attribute, "From", cancellation) is { } run && VocabularyResolver.UnknownRun(run.Text, prompts) is { } unknown)
                yield return new Problem(Rules.Reference, run.At(0, run.Text.Length), unknown.Message) { Suggestion = unknown.Suggestion };
            var site = TextLocation.Argument(write.Attribute, 0, cancellation);
            if (schema is not null && ParsedPath.Of(site.Text).Path is { } path)
                foreach (SiteProblem problem in SiteResolver.Resolve(path, schema, prompts).Problems.Where(problem => problem.Kind == SiteProblemKind.UnknownPosition))
                    yield return new Problem(Rules.Reference, site.At(problem.Start, problem.Length), problem.Message) { Suggestion = problem.Suggestion };
        }
    }
}
