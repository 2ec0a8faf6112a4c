using Interventions.Generators.Infrastructure;
using Interventions.Generators.Model;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Interventions.Generators.Parsing;

/// <summary>An <c>[Intervention]</c> class as symbols: what the generator's parser and the analyzers both start from. It never enters a pipeline.</summary>
/// <param name="Type">The class.</param>
/// <param name="Attribute">Its <c>[Intervention]</c>.</param>
/// <param name="Model">The model type.</param>
/// <param name="Prompts">The prompt set; null when the default one is not referenced.</param>
/// <param name="Methods">The declared methods, in textual order.</param>
internal sealed record InterventionDeclaration(
    INamedTypeSymbol Type, AttributeData Attribute, INamedTypeSymbol Model, INamedTypeSymbol? Prompts, IReadOnlyList<DeclaredMethod> Methods)
{
    /// <summary>Reads a class; null when it is no intervention.</summary>
    public static InterventionDeclaration? Read(INamedTypeSymbol type, Compilation compilation, CancellationToken cancellation)
    {
        AttributeData? attribute = type.Attribute(KnownNames.InterventionOverModelAndPrompts) ?? type.Attribute(KnownNames.InterventionOverModel);
        if (attribute?.AttributeClass is not { TypeArguments: var arguments } || arguments[0] is not INamedTypeSymbol model)
            return null;
        INamedTypeSymbol? prompts = arguments.Length > 1
            ? arguments[1] as INamedTypeSymbol
            : compilation.GetTypeByMetadataName(KnownNames.DefaultPrompts);
        var methods = new List<DeclaredMethod>();
        foreach (ISymbol member in type.GetMembers())
        {
            cancellation.ThrowIfCancellationRequested();
            if (member is IMethodSymbol method && DeclaredMethod.Read(method) is { } declared)
                methods.Add(declared);
        }
        return new InterventionDeclaration(type, attribute, model, prompts, methods);
    }

    /// <summary>Where the attribute names its model (0) or its prompt set (1); the whole attribute where it does not.</summary>
    public Location TypeArgument(int index, CancellationToken cancellation)
    {
        SyntaxNode? syntax = Attribute.ApplicationSyntaxReference?.GetSyntax(cancellation);
        TypeSyntax? argument = (syntax as AttributeSyntax)?.Name.DescendantNodesAndSelf().OfType<GenericNameSyntax>().FirstOrDefault()
            ?.TypeArgumentList.Arguments.ElementAtOrDefault(index);
        return (argument ?? syntax)?.GetLocation() ?? Type.Locations[0];
    }
}

/// <summary>A method with <c>[Patch]</c>, <c>[Capture]</c> or <c>[Metric]</c>.</summary>
/// <param name="Symbol">The method.</param>
/// <param name="Kind">Which attribute it has; the first one, if several.</param>
/// <param name="Attributes">All attributes of that sort that it has.</param>
/// <param name="Site">The site path; empty for a metric.</param>
/// <param name="Parameters">Its parameters.</param>
internal sealed record DeclaredMethod(
    IMethodSymbol Symbol, NodeKind Kind, IReadOnlyList<AttributeData> Attributes, string Site, IReadOnlyList<DeclaredParameter> Parameters)
{
    private static readonly (string Attribute, NodeKind Kind)[] Kinds =
        [(KnownNames.Patch, NodeKind.Patch), (KnownNames.Capture, NodeKind.Capture), (KnownNames.Metric, NodeKind.Metric)];

    /// <summary>Reads a method; null when it has none of the attributes.</summary>
    public static DeclaredMethod? Read(IMethodSymbol method)
    {
        var attributes = new List<AttributeData>();
        NodeKind kind = default;
        foreach (AttributeData attribute in method.GetAttributes())
        {
            foreach ((string name, NodeKind known) in Kinds)
            {
                if (attribute.AttributeClass is not { } type || !type.Is(name))
                    continue;
                if (attributes.Count == 0)
                    kind = known;
                attributes.Add(attribute);
            }
        }
        return attributes.Count == 0
            ? null
            : new DeclaredMethod(
                method, kind, attributes, attributes[0].Text(0),
                method.Parameters.Select(p => new DeclaredParameter(p, p.Attribute(KnownNames.From), p.Attribute(KnownNames.Logit))).ToList());
    }
}

/// <summary>A parameter, which reads what its attribute says, or the selected value itself.</summary>
internal sealed record DeclaredParameter(IParameterSymbol Symbol, AttributeData? From, AttributeData? Logit)
{
    /// <summary>Whether it reads the selected value itself.</summary>
    public bool IsValue => From is null && Logit is null;
}
