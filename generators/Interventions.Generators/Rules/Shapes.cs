using Interventions.Generators.Declarations;
using Interventions.Generators.Infrastructure;
using Interventions.Generators.Specs;
using Interventions.Sites;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Rules;

/// <summary>Checks declared shapes and masks against the axes of sites: a shape is what they say, or broadcasts to it.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
internal sealed class Shapes() : InterventionAnalyzer(UnfitShape, UnfitMask)
{
    public static readonly DiagnosticDescriptor UnfitShape = Rule.Composition("INV233", "A declared shape fits its site");

    public static readonly DiagnosticDescriptor UnfitMask = Rule.Composition("INV235", "A mask has axes of its site");

    /// <summary>Checks the declared shapes of a declaration.</summary>
    public static IEnumerable<Problem> Check(InterventionDeclaration declaration)
    {
        foreach (ISymbol member in declaration.Type.GetMembers())
        {
            if (member is IPropertySymbol property && property.Attribute(KnownNames.Shape) is { } ofProperty)
                foreach (string message in OfProperty(property, ofProperty, declaration))
                    yield return Unfit(ofProperty, message);
            if (member is IMethodSymbol method)
                foreach (Problem problem in OfMethod(method, declaration))
                    yield return problem;
        }
    }

    protected override IEnumerable<Problem> Problems(InterventionDeclaration declaration) => Check(declaration).Concat(Masks(declaration));

    private static IEnumerable<string> OfProperty(IPropertySymbol property, AttributeData attribute, InterventionDeclaration declaration)
    {
        if (!property.HoldsTensor())
        {
            yield return $"'{property.Name}' is no Tensor, so it has no shape";
            yield break;
        }
        if (declaration.Schema is not { } schema)
            yield break;
        List<string> shape = attribute.Items(0).ToList();
        List<DeclaredWrite> writes = declaration.Writes.Where(write => write.Property.IsSame(property)).ToList();
        foreach (DeclaredWrite write in writes)
        {
            List<string> mask = write.Axes.Select(axis => axis.Value).ToList();
            string? message =
                mask.Count > 0 ? DeclaredShape.NotExactly(shape, mask, $"mask '{property.Name}'") :
                Axes(write.Site, schema) is { } axes ? DeclaredShape.NotBroadcast(shape, axes, write.Site.Value) :
                null;
            if (message is not null)
                yield return message;
        }
        if (writes.Count == 0 && DeclaredShape.Unknown(shape, schema) is { } unknown)
            yield return unknown;
    }

    private static IEnumerable<Problem> OfMethod(IMethodSymbol symbol, InterventionDeclaration declaration)
    {
        if (DeclaredMethod.ReturnedShape(symbol) is { } ofReturn
            && Returned(symbol, Declared(), ofReturn.Items(0).ToList(), declaration.Schema) is { } wrong)
            yield return Unfit(ofReturn, wrong);
        foreach (IParameterSymbol parameter in symbol.Parameters)
            if (parameter.Attribute(KnownNames.Shape) is { } attribute
                && Read(symbol, Declared(), parameter, attribute.Items(0).ToList(), declaration.Schema) is { } message)
                yield return Unfit(attribute, message);

        DeclaredMethod? Declared() => declaration.Methods.FirstOrDefault(known => known.Symbol.IsSame(symbol));
    }

    private static string? Returned(IMethodSymbol symbol, DeclaredMethod? method, List<string> shape, ModelSchema? schema) =>
        method?.Kind switch
        {
            null => Undeclared(symbol),
            NodeKind.Metric => DeclaredShape.NotExactly(shape, ["batch"], $"what metric '{symbol.Name}' returns"),
            NodeKind.Patch => Axes(method.Path!, schema) is { } axes ? DeclaredShape.NotBroadcast(shape, axes, method.Path!.Value) : null,
            _ => shape.FirstOrDefault() == "batch"
                ? null
                : $"what '{symbol.Name}' returns is kept prompt by prompt, [batch, …], not {DeclaredShape.List(shape)}",
        };

    private static string? Read(
        IMethodSymbol symbol, DeclaredMethod? method, IParameterSymbol parameter, List<string> shape, ModelSchema? schema)
    {
        if (method is null)
            return Undeclared(symbol);
        DeclaredParameter read = method.Parameters.First(known => known.Symbol.IsSame(parameter));
        string what = $"'{parameter.Name}'";
        return read.Kind switch
        {
            ReadKind.Logit or ReadKind.Answer => DeclaredShape.NotExactly(shape, ["batch"], what),
            ReadKind.WordLogits => DeclaredShape.NotExactly(shape, ["batch", "word"], what),
            ReadKind.Logits => DeclaredShape.NotExactly(shape, ["batch", "vocab"], what),
            ReadKind.Swept => DeclaredShape.NotExactly(shape, [], what),
            _ => Axes(read.Path ?? method.Path, schema) is { } axes ? DeclaredShape.NotExactly(shape, axes, what) : null,
        };
    }

    private static IEnumerable<Problem> Masks(InterventionDeclaration declaration)
    {
        foreach (DeclaredWrite write in declaration.Writes)
        {
            // A wrong path breaks a rule of names.
            if (write.Axes is not { Count: > 0 } axes || declaration.Schema is not { } schema || write.Site.Path is not { } path
                || ResolvedPath.Of(path, schema) is not { Site: { } site } resolution)
                continue;
            List<string> names = axes.Select(axis => axis.Value).ToList();
            bool isStacked = resolution.Layer is { IsOne: false };
            if (MaskAxes.Problem(names, site, isStacked, write.Site.Value) is var (index, message, suggestion))
                yield return new Problem(UnfitMask, axes[index].Location, message) { Suggestion = suggestion };
        }
    }

    /// <summary>The axes of a path's site; null when the model has no such site, which breaks a rule of names.</summary>
    private static IReadOnlyList<string>? Axes(DeclaredPath? path, ModelSchema? schema) =>
        path?.Path is { } parsed && schema is not null ? ResolvedPath.Of(parsed, schema).Site?.Axes : null;

    private static string Undeclared(IMethodSymbol symbol) => $"'{symbol.Name}' is no declared method, so nothing measures its tensors";

    private static Problem Unfit(AttributeData attribute, string message) =>
        new(UnfitShape, attribute.Location() ?? Location.None, message);
}
