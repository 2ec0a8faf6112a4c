using System.Globalization;
using Interventions.Generators.Diagnostics;
using Interventions.Generators.Infrastructure;
using Interventions.Generators.Parsing;
using Interventions.Sites;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Schema;

/// <summary>
/// Compares a generic intervention with the model that a use of it names: <c>HeadKnockout&lt;Gpt2Small&gt;</c>. What is wrong on any model is said at the
/// declaration; what is wrong on this one, included interventions' paths too, is said at the use.
/// </summary>
internal static class ClosedUseCheck
{
    /// <summary>What a model's own sites and sizes may break.</summary>
    private static readonly Check[] OfSizes =
        [NameCheck.Problems, PlaceholderCheck.Problems, CausalityCheck.Problems, SpliceCheck.Problems, ShapeCheck.Problems];

    /// <summary>What is wrong; nothing when the type is no generic intervention, or is still open.</summary>
    public static IReadOnlyList<string> Messages(INamedTypeSymbol type, Compilation compilation, CancellationToken cancellation) =>
        InterventionDeclaration.Of(type, compilation, cancellation)
            ?.Once<IReadOnlyList<string>>(() => Messages(type, compilation, [], cancellation).Distinct().ToList()) ?? [];

    private static IEnumerable<string> Messages(INamedTypeSymbol type, Compilation compilation, HashSet<ISymbol> seen, CancellationToken cancellation)
    {
        if (!type.IsGenericType || type.Attribute(KnownNames.Intervention) is null || !seen.Add(type)
            || InterventionDeclaration.Of(type, compilation, cancellation) is not { ModelParameter: null } closed)
            return [];
        if (closed.Model.TypeKind == TypeKind.Error)
            return [];
        if (!SchemaReader.IsDeclared(closed.Model))
            return [$"{closed.Model.Name} has no [ModelSchema], so no site of it can be checked"];
        IEnumerable<string> own = type.DeclaringSyntaxReferences.IsEmpty ? OfCompiled(closed, cancellation) : OfSource(closed, compilation, cancellation);
        return own.Concat(closed.Includes.SelectMany(include =>
            include.Symbol.Type is INamedTypeSymbol included ? Messages(included, compilation, seen, cancellation) : []));
    }

    private static IEnumerable<string> OfSource(InterventionDeclaration closed, Compilation compilation, CancellationToken cancellation)
    {
        HashSet<string> anywhere = InterventionDeclaration.Of(closed.Type.OriginalDefinition, compilation, cancellation) is { } open
            ? new(Problems(open, cancellation).Select(Message))
            : [];
        foreach (Problem problem in Problems(closed, cancellation))
            if (!anywhere.Contains(Message(problem)))
                yield return Member(closed.Type, problem.Location, cancellation) is { } member ? $"at '{member}', {Message(problem)}" : Message(problem);
    }

    private static IEnumerable<Problem> Problems(InterventionDeclaration declaration, CancellationToken cancellation) =>
        OfSizes.SelectMany(check => declaration.Problems(check, cancellation));

    private static string Message(Problem problem) => problem.ToDiagnostic().GetMessage(CultureInfo.InvariantCulture);

    private static string? Member(INamedTypeSymbol type, Location location, CancellationToken cancellation) =>
        type.GetMembers().FirstOrDefault(member => member.DeclaringSyntaxReferences.Any(
            reference => reference.SyntaxTree == location.SourceTree && reference.GetSyntax(cancellation).Span.Contains(location.SourceSpan)))?.Name;

    private static IEnumerable<string> OfCompiled(InterventionDeclaration closed, CancellationToken cancellation)
    {
        if (DeclaredSplices.Schema(closed, cancellation) is not { } schema)
            yield break;
        PromptVocabulary? prompts = VocabularyReader.Of(closed);
        foreach (AttributeData site in closed.Type.GetAttributes())
            if (site.AttributeClass?.Is(KnownNames.DeclaredSite) == true)
                foreach (SiteProblem problem in SiteResolver.Resolve(site.Text(1), schema, prompts).Problems)
                    yield return $"at '{site.Text(0)}', {problem.Message}";
    }
}
