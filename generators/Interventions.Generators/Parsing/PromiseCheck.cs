using Interventions.Generators.Diagnostics;
using Interventions.Generators.Infrastructure;
using Interventions.Generators.Model;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Parsing;

/// <summary>Whether <c>[Pointwise]</c> and <c>[AcrossBatch]</c> stand where they mean something.</summary>
internal static class PromiseCheck
{
    public static IEnumerable<Problem> Problems(InterventionDeclaration declaration, CancellationToken cancellation)
    {
        foreach (IMethodSymbol symbol in declaration.Type.GetMembers().OfType<IMethodSymbol>())
        {
            DeclaredMethod? method = declaration.Methods.FirstOrDefault(method => SymbolEqualityComparer.Default.Equals(method.Symbol, symbol));
            if (symbol.Attribute(KnownNames.Pointwise) is { } pointwise && WhyNot(symbol, method) is { } why)
                yield return At(pointwise, why);
            if (symbol.Attribute(KnownNames.AcrossBatch) is { } across && method is null)
                yield return At(across, $"'{symbol.Name}' is no declared method, so nobody runs it for prompts: [AcrossBatch] says nothing here");

            Problem At(AttributeData attribute, string message) =>
                new(Rules.Promise, attribute.ApplicationSyntaxReference?.GetSyntax(cancellation).GetLocation() ?? symbol.Locations[0], message);
        }
    }

    /// <summary>Why a promise about positions means nothing; null where it does.</summary>
    private static string? WhyNot(IMethodSymbol symbol, DeclaredMethod? method)
    {
        if (method is null)
            return $"'{symbol.Name}' is no declared method, so nobody runs it for positions: [Pointwise] says nothing here";
        if (method.Kind != NodeKind.Patch)
            return $"'{symbol.Name}' is a [{method.Kind}], which always gets all that it selects; only a [Patch] is [Pointwise]";
        return method.Parameters.FirstOrDefault(parameter => parameter.Kind == ReadKind.ValueOf || (parameter.Kind == ReadKind.From && !parameter.IsOwnSiteElsewhere)) is { } other
            ? $"'{symbol.Name}' reads '{other.Symbol.Name}' of another site, of which it gets every position, so it cannot be called for some only: leave [Pointwise] out"
            : null;
    }
}
