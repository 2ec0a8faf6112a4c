using Interventions.Generators.Diagnostics;
using Interventions.Generators.Infrastructure;
using Interventions.Generators.Model;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Parsing;

/// <summary>The rules of signatures. The generator asks whether there is a problem; each analyzer reports the problems of its rule.</summary>
internal static class SignatureCheck
{
    public static IEnumerable<Problem> Problems(InterventionDeclaration declaration) => declaration.Methods.SelectMany(Problems);

    private static IEnumerable<Problem> Problems(DeclaredMethod method)
    {
        IMethodSymbol symbol = method.Symbol;
        Location name = symbol.Locations[0];
        if (method.Attributes.Count > 1)
            yield return new Problem(Rules.OneMeaning, name, symbol.Name, "[Patch], [Capture] and [Metric]");
        if (symbol.IsGenericMethod)
            yield return new Problem(Rules.NotGeneric, name, symbol.Name);
        if (!symbol.ReturnType.Is(KnownNames.Tensor) || symbol.RefKind != RefKind.None)
            yield return new Problem(Rules.ReturnsTensor, name, symbol.Name, method.Kind == NodeKind.Patch ? "written" : "kept");

        DeclaredParameter? value = null;
        foreach (DeclaredParameter parameter in method.Parameters)
        {
            Location at = parameter.Symbol.Locations[0];
            if (!parameter.Symbol.Type.Is(KnownNames.Tensor) || parameter.Symbol.RefKind != RefKind.None)
                yield return new Problem(Rules.TakesTensors, at, parameter.Symbol.Name);
            else if (parameter is { From: not null, Logit: not null })
                yield return new Problem(Rules.OneMeaning, at, parameter.Symbol.Name, "[From] and [Logit]");
            else if (method.Kind != NodeKind.Metric && parameter.Logit is not null)
                yield return new Problem(Rules.LogitInMetric, at, symbol.Name);
            else if (method.Kind == NodeKind.Metric && (parameter.IsValue || parameter.From?.HasArgument(1) == false))
                yield return new Problem(Rules.MetricHasNoValue, at, symbol.Name, parameter.Symbol.Name);
            else if (parameter.IsValue && value is not null)
                yield return new Problem(Rules.OneValue, at, symbol.Name, value.Symbol.Name, parameter.Symbol.Name);
            if (parameter.IsValue)
                value ??= parameter;
        }
    }
}
