using Interventions.Generators.Declarations;
using Interventions.Generators.Infrastructure;
using Interventions.Generators.Specs;
using Interventions.Sites;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Rules;

/// <summary>Checks the use of new tokens: the selected ones can occur, and they have the values that are read of them.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
internal sealed class NewTokens() : InterventionAnalyzer(MissingValue)
{
    public static readonly DiagnosticDescriptor MissingValue = Rule.Composition("INV240", "New tokens have what is read of them");

    protected override IEnumerable<Problem> Problems(InterventionDeclaration declaration)
    {
        foreach (DeclaredPath path in declaration.Paths)
            if (path.Path is not null && Masked(path.Path) is { } key)
                yield return At(path, key, $"No query of '{path.Path.Text}' sees its keys: a token sees itself and earlier ones");
        foreach (DeclaredWrite write in declaration.Writes)
        {
            bool isMean = write.ValueKind == WriteKind.Mean && !write.Attribute.Named("Pooled", false);
            if ((isMean || write.ValueKind == WriteKind.Resample) && New(write.Site) is { } selector)
                yield return At(write.Site, selector, isMean
                    ? "New tokens have no mean of their position; say Pooled = true"
                    : "New tokens have no other prompt's value; [Resample] is of prompts");
        }
        foreach (DeclaredMethod method in declaration.Methods)
        {
            if (method is { Kind: NodeKind.Gradient, Path: { } gradient } && New(gradient) is { } selector)
                yield return At(gradient, selector, "A gradient is of prompts: generating tokens keeps none");
            if (method.Kind is not (NodeKind.Patch or NodeKind.Capture) || method.Path?.Path is not { } own || !SelectsPrompt(own))
                continue;
            foreach (DeclaredParameter parameter in method.Parameters)
                if (parameter.Path is { Path: { } read } path && !SelectsPrompt(read) && New(path) is { } later)
                    yield return At(
                        path, later, $"'{own.Text}' selects the prompt, before which there is no new token; say pos=new there too");
        }
    }

    private static Problem At(DeclaredPath path, PathSelector selector, string message) =>
        new(MissingValue, path.At(selector.Indices.Span), message);

    /// <summary>The selector of keys that come after all selected queries; null when there is none.</summary>
    private static PathSelector? Masked(SitePath path)
    {
        PathSelector? query = path.Selectors.FirstOrDefault(selector => selector.Axis == "query");
        PathSelector? key = path.Selectors.FirstOrDefault(selector => selector.Axis == "key");
        if (query is null || key is null || !Items(query).Any() || query.Indices.Selection.Except || !IsNew(key))
            return null;
        int last = Items(query).Select(item => item.IsNew() ? item.Last : -1).Max();
        return Items(key).All(item => item.First > last) ? key : null;
    }

    private static PathSelector? New(DeclaredPath path) =>
        path.Path?.Selectors.FirstOrDefault(selector => Items(selector).Any(item => item.IsNew()));

    private static bool SelectsPrompt(SitePath path) =>
        path.Selectors.All(selector => !SiteResolver.IsPositionAxis(selector.Axis) || !IsNew(selector));

    /// <summary>Whether a selector names new tokens only.</summary>
    private static bool IsNew(PathSelector selector) => Items(selector).Any() && Items(selector).All(item => item.IsNew());

    private static IEnumerable<SelectionItem> Items(PathSelector selector) => selector.Indices.Selection.Items;
}
