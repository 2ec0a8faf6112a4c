using Interventions.Generators.Diagnostics;
using Interventions.Generators.Infrastructure;
using Interventions.Generators.Model;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Parsing;

/// <summary>The rules of signatures. The generator asks whether there is a problem; each analyzer reports the problems of its rule.</summary>
internal static class SignatureCheck
{
    public static IEnumerable<Problem> Problems(InterventionDeclaration declaration, CancellationToken cancellation) =>
        declaration.Methods.SelectMany(method => Problems(method, cancellation)).Concat(PropertyProblems(declaration)).Concat(SplicedProperty.Problems(declaration));

    /// <summary>What holds a written or trained tensor is a tensor.</summary>
    private static IEnumerable<Problem> PropertyProblems(InterventionDeclaration declaration) =>
        declaration.Writes.Where(write => write.Kind != WriteKind.Splice).Select(write => new { write.Property, write.Attribute })
            .Concat(declaration.Parameters.Select(parameter => new { Property = (IPropertySymbol?)parameter.Symbol, parameter.Attribute }))
            .Where(use => use.Property is not null && !IsTensor(use.Property))
            .Select(use => new Problem(Rules.TensorProperty, use.Property!.Locations[0], use.Property.Name, use.Attribute.ShortName()));

    private static bool IsTensor(IPropertySymbol property) =>
        property is { IsIndexer: false, GetMethod: not null, RefKind: RefKind.None } && property.Type.Is(KnownNames.Tensor);

    private static IEnumerable<Problem> Problems(DeclaredMethod method, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        IMethodSymbol symbol = method.Symbol;
        Location name = symbol.Locations[0];
        if (method.Attributes.Count > 1)
            yield return new Problem(Rules.OneMeaning, name, symbol.Name, "[Patch], [Capture], [Gradient] and [Metric]");
        if (symbol.IsGenericMethod)
            yield return new Problem(Rules.NotGeneric, name, symbol.Name);
        if (!symbol.ReturnType.Is(KnownNames.Tensor) || symbol.RefKind != RefKind.None)
            yield return new Problem(Rules.ReturnsTensor, name, symbol.Name, method.Kind == NodeKind.Patch ? "written" : "kept");

        var values = new List<DeclaredParameter>();
        foreach (DeclaredParameter parameter in method.Parameters)
        {
            Location at = parameter.Symbol.Locations[0];
            bool isValue = parameter.Kind == ReadKind.Value;
            bool isNumber = parameter.Kind == ReadKind.Swept;
            bool isRightType = isNumber ? parameter.Symbol.Type.SpecialType == SpecialType.System_Double : parameter.Symbol.Type.Is(KnownNames.Tensor);
            if (!isRightType || parameter.Symbol.RefKind != RefKind.None)
                yield return new Problem(Rules.TakesTensors, at, parameter.Symbol.Name, isNumber ? "double" : "Tensor");
            else if (parameter.Attributes.Count > 1)
                yield return new Problem(Rules.OneMeaning, at, parameter.Symbol.Name, "[From], [ValueOf], [Logit], [Logits], [Answer] and [Swept]");
            else if (method.Kind != NodeKind.Metric && parameter.Kind is ReadKind.Logit or ReadKind.Logits)
                yield return new Problem(Rules.LogitInMetric, at, symbol.Name, parameter.Attribute.ShortName());
            else if (method.Kind == NodeKind.Metric && (isValue || parameter.IsOwnSiteElsewhere))
                yield return new Problem(Rules.MetricHasNoValue, at, symbol.Name, parameter.Symbol.Name);
            else if (isValue && values.Count == (method.Kind == NodeKind.Gradient ? 2 : 1))
                yield return new Problem(Rules.OneValue, at, symbol.Name, values[values.Count - 1].Symbol.Name, parameter.Symbol.Name);
            if (isValue)
                values.Add(parameter);
        }
    }
}
