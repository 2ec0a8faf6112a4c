using Interventions.Generators.Diagnostics;
using Interventions.Generators.Infrastructure;
using Interventions.Generators.Model;
using Interventions.Generators.Parsing;
using Interventions.Sites;

namespace Interventions.Generators.Schema;

/// <summary>The rules of new tokens: what is selected of them can occur, and they have what is read there.</summary>
internal static class NewTokenCheck
{
    public static IEnumerable<Problem> Problems(InterventionDeclaration declaration, CancellationToken cancellation)
    {
        foreach (DeclaredPath path in DeclaredPath.Of(declaration, cancellation))
            if (path.Path is not null && Masked(path.Path) is { } key)
                yield return At(path.Location, key, $"No query of '{path.Path.Text}' sees its keys: a token sees itself and earlier ones");

        foreach (DeclaredWrite write in declaration.Writes)
        {
            bool isMean = write.Kind == WriteKind.Mean && !write.Attribute.Named("Pooled", false);
            if ((isMean || write.Kind == WriteKind.Resample) && New(TextLocation.Argument(write.Attribute, 0, cancellation)) is { } selector)
                yield return At(
                    TextLocation.Argument(write.Attribute, 0, cancellation), selector,
                    isMean ? "New tokens have no mean of their position; say Pooled = true" : "New tokens have no other prompt's value; [Resample] is of prompts");
        }

        foreach (DeclaredMethod method in declaration.Methods)
        {
            if (method.Kind == NodeKind.Gradient && New(TextLocation.Argument(method.Attribute, 0, cancellation)) is { } selector)
                yield return At(TextLocation.Argument(method.Attribute, 0, cancellation), selector, "A gradient is of prompts: generating tokens keeps none");
            if (method.Kind is not (NodeKind.Patch or NodeKind.Capture) || ParsedPath.Of(method.Site).Path is not { } own || !SelectsPrompt(own))
                continue;
            foreach (DeclaredParameter parameter in method.Parameters)
                if (DeclaredPath.Read(parameter, cancellation) is { Path: { } read } path && !SelectsPrompt(read) && New(path.Location) is { } later)
                    yield return At(path.Location, later, $"'{own.Text}' selects the prompt, before which there is no new token; say pos=new there too");
        }
    }

    private static Problem At(TextLocation location, PathSelector selector, string message) =>
        new(Rules.NewTokens, location.At(selector.Indices.Span.Start, selector.Indices.Span.Length), message);

    /// <summary>The selector of keys that come after all selected queries.</summary>
    private static PathSelector? Masked(SitePath path)
    {
        PathSelector? query = path.Selectors.FirstOrDefault(selector => selector.Axis == "query"), key = path.Selectors.FirstOrDefault(selector => selector.Axis == "key");
        if (query is null || key is null || !Items(query).Any() || !Items(key).Any() || !Items(key).All(item => item.IsNew()))
            return null;
        int last = Items(query).Select(item => item.IsNew() ? item.Last : -1).Max();
        return Items(key).All(item => item.First > last) ? key : null;
    }

    private static PathSelector? New(TextLocation location) =>
        ParsedPath.Of(location.Text).Path?.Selectors.FirstOrDefault(selector => Items(selector).Any(item => item.IsNew()));

    private static bool SelectsPrompt(SitePath path) =>
        path.Selectors.All(selector => !SiteResolver.IsPositionAxis(selector.Axis) || !Items(selector).Any() || !Items(selector).All(item => item.IsNew()));

    private static IEnumerable<SelectionItem> Items(PathSelector selector) => selector.Indices.Selection.Items;
}
