using Interventions.Generators.Diagnostics;
using Interventions.Generators.Infrastructure;
using Interventions.Generators.Model;
using Interventions.Generators.Parsing;
using Interventions.Sites;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Schema;

/// <summary>The rules of gradients: each is of one metric of the declaration. Those of included parameters are too.</summary>
internal static class MetricCheck
{
    public static IEnumerable<Problem> Problems(InterventionDeclaration declaration, CancellationToken cancellation)
    {
        List<string> metrics = declaration.Metrics.Select(metric => metric.Symbol.Name).Distinct().ToList();
        foreach ((ISymbol symbol, string name, AttributeData attribute) in Gradients(declaration, cancellation))
        {
            var metric = TextLocation.Property(attribute, "Of", cancellation);
            if (metric is null && metrics.Count != 1)
                yield return new Problem(
                    Rules.OneMetric, symbol.Locations[0], name,
                    metrics.Count == 0 ? "there is no [Metric]" : $"there are several metrics; say Of = nameof({metrics[0]}), or another");
            else if (metric is not null && !metrics.Contains(metric.Text))
                yield return Unknown(declaration, symbol, name, metric, metrics);
        }
    }

    private static Problem Unknown(InterventionDeclaration declaration, ISymbol symbol, string name, TextLocation metric, List<string> metrics)
    {
        string? nearest = Spelling.Nearest(metric.Text, metrics);
        string known =
            nearest is not null ? $"; did you mean '{nearest}'?" :
            metrics.Count == 0 ? ": it has none" :
            $"; it has {Spelling.List(metrics)}";
        // What an included parameter is of was said elsewhere.
        bool isHere = symbol.Name == name;
        return new Problem(
            Rules.UnknownMetric, isHere ? metric.At(0, metric.Text.Length) : symbol.Locations[0], declaration.Type.Name, metric.Text, known)
        {
            Suggestion = isHere ? nearest : null,
        };
    }

    private static IEnumerable<(ISymbol Symbol, string Name, AttributeData Attribute)> Gradients(
        InterventionDeclaration declaration, CancellationToken cancellation)
    {
        foreach (DeclaredMethod method in declaration.Methods)
            if (method.Kind == NodeKind.Gradient)
                yield return (method.Symbol, method.Symbol.Name, method.Attribute);
        foreach (DeclaredProperty parameter in declaration.Parameters)
            yield return (parameter.Symbol, parameter.Symbol.Name, parameter.Attribute);
        foreach (DeclaredProperty include in declaration.Includes)
            foreach (DeclaredProperty parameter in declaration.Included(include, cancellation)?.Parameters ?? [])
                yield return (include.Symbol, $"{include.Symbol.Name}.{parameter.Symbol.Name}", parameter.Attribute);
    }
}
