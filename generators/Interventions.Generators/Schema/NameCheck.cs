using Interventions.Generators.Diagnostics;
using Interventions.Generators.Infrastructure;
using Interventions.Generators.Model;
using Interventions.Generators.Parsing;
using Interventions.Sites;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Schema;

/// <summary>Compares every name in an intervention with the schemas of its model and its prompt set.</summary>
internal static class NameCheck
{
    private static readonly Dictionary<SiteProblemKind, DiagnosticDescriptor> RuleOf = new()
    {
        [SiteProblemKind.UnknownSite] = Rules.UnknownSite,
        [SiteProblemKind.MissingSegment] = Rules.MissingSegment,
        [SiteProblemKind.LayerOutOfRange] = Rules.LayerOutOfRange,
        [SiteProblemKind.TransformerLensSpelling] = Rules.TransformerLensSpelling,
        [SiteProblemKind.UnknownAxis] = Rules.UnknownAxis,
        [SiteProblemKind.IndexOutOfRange] = Rules.IndexOutOfRange,
        [SiteProblemKind.Syntax] = Rules.PathSyntax,
        [SiteProblemKind.UnknownPosition] = Rules.UnknownPosition,
        [SiteProblemKind.UnknownRun] = Rules.UnknownRun,
        [SiteProblemKind.UnknownAnswer] = Rules.UnknownAnswer,
    };

    public static IEnumerable<Problem> Problems(InterventionDeclaration declaration, CancellationToken cancellation)
    {
        ModelSchema? schema = DeclaredSplices.Schema(declaration, cancellation);
        PromptVocabulary? prompts = VocabularyReader.Of(declaration);
        foreach (DeclaredPath path in DeclaredPath.Of(declaration, cancellation))
            foreach (SiteProblem problem in PathProblems(path, schema, prompts))
                yield return At(path.Location, problem);

        if (prompts is not null)
            foreach (DeclaredRunName run in DeclaredRunName.Of(declaration, cancellation))
                if (RunNameCheck.Problem(run, declaration, prompts) is { } problem)
                    yield return At(run.Location, problem);

        foreach (DeclaredParameter parameter in declaration.Methods.SelectMany(method => method.Parameters))
        {
            if (parameter.Kind is ReadKind.Logit or ReadKind.Answer && prompts is not null)
            {
                var answer = TextLocation.Argument(parameter.Attribute, 0, cancellation);
                if (VocabularyResolver.UnknownAnswer(answer.Text, prompts) is { } problem)
                    yield return At(answer, problem);
            }
            if (parameter.Kind is ReadKind.Logit or ReadKind.Logits && TextLocation.Property(parameter.Attribute, "At", cancellation) is { } position
                && !VocabularyResolver.TryPosition(position.Text, prompts, out _, out SiteProblem? wrong))
                yield return At(position, wrong);
        }
    }

    /// <summary>Without a schema only the grammar can be checked.</summary>
    private static IEnumerable<SiteProblem> PathProblems(DeclaredPath path, ModelSchema? schema, PromptVocabulary? prompts) =>
        path.Syntax is not null ? [path.Syntax] :
        schema is not null ? SiteResolver.Resolve(path.Path!, schema, prompts).Problems :
        [];

    private static Problem At(TextLocation text, SiteProblem problem) =>
        new(RuleOf[problem.Kind], text.At(problem.Start, problem.Length), problem.Message) { Suggestion = problem.Suggestion };
}
