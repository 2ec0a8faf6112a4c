using Interventions.Generators.Diagnostics;
using Interventions.Generators.Infrastructure;
using Interventions.Generators.Model;
using Interventions.Generators.Parsing;
using Interventions.Sites;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Schema;

/// <summary>The rule of declared shapes: sites have axes, and a shape is what they say, or broadcasts to it.</summary>
internal static class ShapeCheck
{
    public static IEnumerable<Problem> Problems(InterventionDeclaration declaration, CancellationToken cancellation)
    {
        ModelSchema? schema = DeclaredSplices.Schema(declaration, cancellation);
        foreach (ISymbol member in declaration.Type.GetMembers())
        {
            if (member is IPropertySymbol property && property.Attribute(KnownNames.Shape) is { } ofProperty)
                foreach (string message in Property(property, ofProperty, declaration, schema))
                    yield return Wrong(ofProperty, message, cancellation);
            if (member is IMethodSymbol method)
                foreach (Problem problem in Method(method, declaration.Methods.FirstOrDefault(known => IsSame(known.Symbol, method)), schema, cancellation))
                    yield return problem;
        }
    }

    private static IEnumerable<string> Property(IPropertySymbol property, AttributeData attribute, InterventionDeclaration declaration, ModelSchema? schema)
    {
        if (!DeclaredShapes.IsTensor(property))
        {
            yield return $"'{property.Name}' is no Tensor, so it has no shape";
            yield break;
        }
        if (schema is null)
            yield break;
        List<string> shape = attribute.Items(0).ToList();
        List<DeclaredWrite> writes = declaration.Writes.Where(write => IsSame(write.Property, property)).ToList();
        foreach (DeclaredWrite write in writes)
        {
            List<string> ofMask = write.Axes.ToList();
            string site = write.Attribute.Text(0);
            if ((ofMask.Count > 0 ? DeclaredShape.NotExactly(shape, ofMask, $"mask '{property.Name}'")
                : Axes(site, schema) is { } axes ? DeclaredShape.NotBroadcast(shape, axes, site)
                : null) is { } message)
                yield return message;
        }
        if (writes.Count == 0 && DeclaredShape.Unknown(shape, schema) is { } unknown)
            yield return unknown;
    }

    private static IEnumerable<Problem> Method(IMethodSymbol symbol, DeclaredMethod? method, ModelSchema? schema, CancellationToken cancellation)
    {
        if (DeclaredShapes.OfReturn(symbol) is { } ofReturn && Returned(symbol, method, ofReturn.Items(0).ToList(), schema) is { } wrong)
            yield return Wrong(ofReturn, wrong, cancellation);
        foreach (IParameterSymbol parameter in symbol.Parameters)
            if (parameter.Attribute(KnownNames.Shape) is { } attribute)
                if (Read(symbol, method, parameter, attribute.Items(0).ToList(), schema) is { } message)
                    yield return Wrong(attribute, message, cancellation);
    }

    private static string? Returned(IMethodSymbol symbol, DeclaredMethod? method, List<string> shape, ModelSchema? schema) => method?.Kind switch
    {
        null => Undeclared(symbol),
        NodeKind.Metric => DeclaredShape.NotExactly(shape, ["batch"], $"what metric '{symbol.Name}' returns"),
        NodeKind.Patch => schema is not null && Axes(method.Site, schema) is { } axes ? DeclaredShape.NotBroadcast(shape, axes, method.Site) : null,
        _ => shape.FirstOrDefault() == "batch" ? null : $"what '{symbol.Name}' returns is kept prompt by prompt, [batch, …], not {DeclaredShape.List(shape)}",
    };

    private static string? Read(IMethodSymbol symbol, DeclaredMethod? method, IParameterSymbol parameter, List<string> shape, ModelSchema? schema)
    {
        if (method is null)
            return Undeclared(symbol);
        DeclaredParameter read = method.Parameters.First(known => IsSame(known.Symbol, parameter));
        string what = $"'{parameter.Name}'";
        return read.Kind switch
        {
            ReadKind.Logit or ReadKind.Answer => DeclaredShape.NotExactly(shape, ["batch"], what),
            ReadKind.Logits => DeclaredShape.NotExactly(shape, ["batch", "vocab"], what),
            ReadKind.Swept => DeclaredShape.NotExactly(shape, [], what),
            _ => schema is not null && Axes(Site(read, method), schema) is { } axes ? DeclaredShape.NotExactly(shape, axes, what) : null,
        };
    }

    private static string Site(DeclaredParameter read, DeclaredMethod method) =>
        read.Kind == ReadKind.ValueOf ? read.Attribute.Text(0) :
        read.Kind == ReadKind.From && !read.IsOwnSiteElsewhere ? read.Attribute.Text(1) :
        method.Site;

    /// <summary>The axes of a path's site; null when there is none, which other rules say.</summary>
    private static IReadOnlyList<string>? Axes(string path, ModelSchema schema) =>
        ParsedPath.Of(path).Path is { } parsed ? ResolvedPath.Of(parsed, schema).Site?.Axes : null;

    private static string Undeclared(IMethodSymbol symbol) => $"'{symbol.Name}' is no declared method, so nothing measures its tensors";

    private static bool IsSame(ISymbol? left, ISymbol? right) => SymbolEqualityComparer.Default.Equals(left, right);

    private static Problem Wrong(AttributeData attribute, string message, CancellationToken cancellation) =>
        new(Rules.Shape, attribute.ApplicationSyntaxReference?.GetSyntax(cancellation).GetLocation() ?? Location.None, message);
}
