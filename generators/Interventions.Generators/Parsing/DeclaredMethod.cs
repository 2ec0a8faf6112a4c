using Interventions.Generators.Infrastructure;
using Interventions.Generators.Model;
using Interventions.Sites;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Parsing;

/// <summary>A method with <c>[Patch]</c>, <c>[Capture]</c>, <c>[Gradient]</c> or <c>[Metric]</c>.</summary>
/// <param name="Symbol">The method.</param>
/// <param name="Kind">Which attribute it has; the first one, if several.</param>
/// <param name="Attributes">All attributes of that sort that it has.</param>
/// <param name="Site">The site path; empty for a metric.</param>
/// <param name="Parameters">Its parameters.</param>
internal sealed record DeclaredMethod(
    IMethodSymbol Symbol, NodeKind Kind, IReadOnlyList<AttributeData> Attributes, string Site, IReadOnlyList<DeclaredParameter> Parameters)
{
    private static readonly (string Attribute, NodeKind Kind)[] Kinds =
    [
        (KnownNames.Patch, NodeKind.Patch), (KnownNames.Capture, NodeKind.Capture), (KnownNames.Gradient, NodeKind.Gradient),
        (KnownNames.Metric, NodeKind.Metric),
    ];

    /// <summary>What says what the method is.</summary>
    public AttributeData Attribute => Attributes[0];

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
            : new DeclaredMethod(method, kind, attributes, attributes[0].Text(0), method.Parameters.Select(DeclaredParameter.Read).ToList());
    }
}

/// <summary>A parameter, which reads what its attribute says, or the selected value itself.</summary>
/// <param name="Symbol">The parameter.</param>
/// <param name="Kind">What it reads; by the first attribute, if several.</param>
/// <param name="Attributes">All attributes of that sort that it has.</param>
internal sealed record DeclaredParameter(IParameterSymbol Symbol, ReadKind Kind, IReadOnlyList<AttributeData> Attributes)
{
    private static readonly (string Attribute, ReadKind Kind)[] Kinds =
    [
        (KnownNames.From, ReadKind.From), (KnownNames.ValueOf, ReadKind.ValueOf), (KnownNames.Logit, ReadKind.Logit),
        (KnownNames.Logits, ReadKind.Logits), (KnownNames.Answer, ReadKind.Answer), (KnownNames.Swept, ReadKind.Swept),
    ];

    /// <summary>What says what it reads; only the selected value has none.</summary>
    public AttributeData Attribute => Attributes[0];

    /// <summary>Whether it reads the method's own site in another run.</summary>
    public bool IsOwnSiteElsewhere => Kind == ReadKind.From && !Attribute.HasArgument(1);

    /// <summary>The placeholder of a run or a number that is swept; null where none is.</summary>
    public string? Sweep => Kind switch
    {
        ReadKind.From => BracedName.Read(Attribute.Text(0)),
        ReadKind.Swept => Attribute.Text(0),
        _ => null,
    };

    /// <summary>Reads a parameter.</summary>
    public static DeclaredParameter Read(IParameterSymbol parameter)
    {
        var attributes = new List<AttributeData>();
        ReadKind kind = ReadKind.Value;
        foreach ((string name, ReadKind known) in Kinds)
        {
            if (parameter.Attribute(name) is not { } attribute)
                continue;
            if (attributes.Count == 0)
                kind = known;
            attributes.Add(attribute);
        }
        return new DeclaredParameter(parameter, kind, attributes);
    }
}
