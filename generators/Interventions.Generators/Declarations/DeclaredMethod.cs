using Interventions.Generators.Infrastructure;
using Interventions.Generators.Specs;
using Interventions.Sites;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Declarations;

/// <summary>A method with <c>[Patch]</c>, <c>[Capture]</c>, <c>[Gradient]</c> or <c>[Metric]</c>.</summary>
/// <param name="Symbol">The method.</param>
/// <param name="Kind">The attribute that it has; the first one, if several.</param>
/// <param name="Attributes">All attributes of that sort that it has.</param>
/// <param name="Path">The site path; null for a metric.</param>
/// <param name="Parameters">Its parameters.</param>
internal sealed record DeclaredMethod(
    IMethodSymbol Symbol, NodeKind Kind, IReadOnlyList<AttributeData> Attributes, DeclaredPath? Path,
    IReadOnlyList<DeclaredParameter> Parameters)
{
    private static readonly (string Attribute, NodeKind Kind)[] s_kinds =
    [
        (KnownNames.Patch, NodeKind.Patch), (KnownNames.Capture, NodeKind.Capture), (KnownNames.Gradient, NodeKind.Gradient),
        (KnownNames.Metric, NodeKind.Metric),
    ];

    /// <summary>The attribute that declares the method.</summary>
    public AttributeData Attribute => Attributes[0];

    /// <summary>The name.</summary>
    public string Name => Symbol.Name;

    /// <summary>Where the name stands.</summary>
    public Location Location => Symbol.Locations[0];

    /// <summary>Whether its value is kept: every method but a patch.</summary>
    public bool IsKept => Kind != NodeKind.Patch;

    /// <summary>Whether the result has a mask of its value's real entries.</summary>
    public bool IsMasked => Kind is NodeKind.Capture or NodeKind.Gradient && Path!.IsRagged;

    /// <summary>Whether what it keeps has an axis of layers.</summary>
    public bool IsStacked => IsKept && Path is { IsStacked: true };

    /// <summary>Whether the sweep's point decides what it reads, so that unchanged runs keep a value for each point too.</summary>
    public bool IsSwept => (Path?.Placeholders ?? []).Any()
        || Parameters.Any(parameter => parameter.Sweep is not null || (parameter.Path?.Placeholders ?? []).Any());

    /// <summary>Whether a capture keeps the value as it was before the writes.</summary>
    public bool IsBeforeWrites => Attribute.Named("BeforeWrites", false);

    /// <summary>Whether it returns a tensor by value.</summary>
    public bool ReturnsTensor => Symbol.ReturnType.Is(KnownNames.Tensor) && Symbol.RefKind == RefKind.None;

    /// <summary>Whether generated code can call it. The rules of signatures say why not.</summary>
    public bool IsWellFormed =>
        Attributes.Count == 1 && !Symbol.IsGenericMethod && ReturnsTensor
        && Parameters.All(parameter => parameter.Fault == ParameterFault.None);

    /// <summary>The attribute that declares the shape of the value that a method returns; null where none does.</summary>
    public static AttributeData? ReturnedShape(IMethodSymbol method) =>
        method.GetReturnTypeAttributes().FirstOrDefault(attribute => attribute.Is(KnownNames.Shape));

    /// <summary>The kind of a declared method; null when it has none of the attributes.</summary>
    public static NodeKind? KindOf(IMethodSymbol method)
    {
        foreach (AttributeData attribute in method.GetAttributes())
            if (KindOf(attribute) is { } kind)
                return kind;
        return null;
    }

    /// <summary>Reads a method; null when it has none of the attributes.</summary>
    public static DeclaredMethod? Read(IMethodSymbol method)
    {
        List<AttributeData> attributes = method.GetAttributes().Where(attribute => KindOf(attribute) is not null).ToList();
        if (attributes.Count == 0)
            return null;
        NodeKind kind = KindOf(attributes[0])!.Value;
        var parameters = new List<DeclaredParameter>();
        foreach (IParameterSymbol parameter in method.Parameters)
            parameters.Add(DeclaredParameter.Read(parameter, kind, parameters.Count(earlier => earlier.Kind == ReadKind.Value)));
        DeclaredPath? path = kind == NodeKind.Metric ? null : DeclaredPath.Of(DeclaredText.Argument(attributes[0], 0));
        return new DeclaredMethod(method, kind, attributes, path, parameters);
    }

    private static NodeKind? KindOf(AttributeData attribute)
    {
        foreach ((string name, NodeKind kind) in s_kinds)
            if (attribute.Is(name))
                return kind;
        return null;
    }
}

/// <summary>A parameter: it reads the value that its attribute names, or the selected value itself.</summary>
/// <param name="Symbol">The parameter.</param>
/// <param name="Kind">The value that it reads; by the first attribute, if several.</param>
/// <param name="Attributes">All attributes of that sort that it has.</param>
/// <param name="Fault">Why generated code could not pass it a value.</param>
internal sealed record DeclaredParameter(
    IParameterSymbol Symbol, ReadKind Kind, IReadOnlyList<AttributeData> Attributes, ParameterFault Fault)
{
    private static readonly (string Attribute, ReadKind Kind)[] s_kinds =
    [
        (KnownNames.From, ReadKind.From), (KnownNames.ValueOf, ReadKind.ValueOf), (KnownNames.Logit, ReadKind.Logit),
        (KnownNames.Logits, ReadKind.Logits), (KnownNames.Answer, ReadKind.Answer), (KnownNames.Swept, ReadKind.Swept),
    ];

    /// <summary>The attribute that names the value; a parameter that reads the selected value has none.</summary>
    public AttributeData Attribute => Attributes[0];

    /// <summary>The name.</summary>
    public string Name => Symbol.Name;

    /// <summary>Where the name stands.</summary>
    public Location Location => Symbol.Locations[0];

    /// <summary>Whether it reads the method's own site in another run.</summary>
    public bool IsOwnSiteElsewhere => Kind == ReadKind.From && Path is null;

    /// <summary>Whether it reads a site that is not the method's own.</summary>
    public bool IsOfOtherSite => Path is not null;

    /// <summary>Whether it reads logits.</summary>
    public bool IsOfLogits => Kind is ReadKind.Logit or ReadKind.Logits or ReadKind.WordLogits;

    /// <summary>The path that it reads; null when it reads the method's own, or no site.</summary>
    public DeclaredPath? Path { get; private init; }

    /// <summary>The run that it reads; null when it reads none.</summary>
    public DeclaredText? Donor { get; private init; }

    /// <summary>The placeholder of a run or a number that is swept; null where none is.</summary>
    public string? Sweep { get; private init; }

    /// <summary>Reads a parameter.</summary>
    /// <param name="parameter">The parameter.</param>
    /// <param name="method">The kind of the method.</param>
    /// <param name="values">How many parameters before it read the selected value.</param>
    public static DeclaredParameter Read(IParameterSymbol parameter, NodeKind method, int values)
    {
        var attributes = new List<AttributeData>();
        ReadKind kind = ReadKind.Value;
        foreach ((string name, ReadKind known) in s_kinds)
        {
            if (parameter.Attribute(name) is not { } attribute)
                continue;
            if (attributes.Count == 0)
                kind = known;
            attributes.Add(attribute);
        }
        if (kind == ReadKind.Logit && WordLists.Find(parameter.ContainingSymbol.ContainingType, attributes[0].Text(0)) is not null)
            kind = ReadKind.WordLogits;
        DeclaredPath? path = kind switch
        {
            ReadKind.From when attributes[0].HasArgument(1) => DeclaredPath.Of(DeclaredText.Argument(attributes[0], 1), "From"),
            ReadKind.ValueOf => DeclaredPath.Of(DeclaredText.Argument(attributes[0], 0), "ValueOf"),
            _ => null,
        };
        DeclaredText? donor = kind == ReadKind.From ? DeclaredText.Argument(attributes[0], 0) : null;
        var read = new DeclaredParameter(parameter, kind, attributes, ParameterFault.None)
        {
            Path = path,
            Donor = donor,
            Sweep = kind == ReadKind.Swept ? attributes[0].Text(0) : BracedName.Read(donor?.Value),
        };
        return read with { Fault = FaultOf(read, method, values) };
    }

    private static ParameterFault FaultOf(DeclaredParameter read, NodeKind method, int values)
    {
        bool isValue = read.Kind == ReadKind.Value;
        ITypeSymbol type = read.Symbol.Type;
        bool isRightType = read.Kind == ReadKind.Swept ? type.SpecialType == SpecialType.System_Double : type.Is(KnownNames.Tensor);
        return
            !isRightType || read.Symbol.RefKind != RefKind.None ? ParameterFault.Type :
            read.Attributes.Count > 1 ? ParameterFault.SeveralSources :
            method != NodeKind.Metric && read.IsOfLogits ? ParameterFault.LogitsOutsideMetric :
            method == NodeKind.Metric && (isValue || read.IsOwnSiteElsewhere) ? ParameterFault.NothingSelected :
            // The first selected value of a gradient is the gradient itself.
            isValue && values == (method == NodeKind.Gradient ? 2 : 1) ? ParameterFault.SecondValue :
            ParameterFault.None;
    }
}

/// <summary>Finds the lists of words whose logits are read.</summary>
internal static class WordLists
{
    private const string Sequence = "System.Collections.Generic.IEnumerable`1";

    /// <summary>A property or field of that name that holds words; null when there is none.</summary>
    public static ISymbol? Find(INamedTypeSymbol type, string name) =>
        Member(type, name) is { } member && TypeOf(member) is { } held && IsWords(held) ? member : null;

    /// <summary>A property or field of that name, own or inherited, that can be read; null when there is none.</summary>
    public static ISymbol? Member(INamedTypeSymbol type, string name) => type.GetMembers(name)
        .Concat(type.BaseTypes().SelectMany(known => known.GetMembers(name)).Where(
            member => member.DeclaredAccessibility != Accessibility.Private))
        .FirstOrDefault(member => TypeOf(member) is not null);

    private static ITypeSymbol? TypeOf(ISymbol member) => member switch
    {
        IPropertySymbol property when property.HasValue() => property.Type,
        IFieldSymbol field => field.Type,
        _ => null,
    };

    private static bool IsWords(ITypeSymbol type) => type.SpecialType != SpecialType.System_String
        && type.AllInterfaces.Prepend(type).OfType<INamedTypeSymbol>().Any(
            known => known.Is(Sequence) && known.TypeArguments[0].SpecialType == SpecialType.System_String);
}

/// <summary>Why generated code could not pass a value to a parameter; the first reason counts.</summary>
internal enum ParameterFault
{
    /// <summary>It could.</summary>
    None,

    /// <summary>The type is wrong, or the parameter is not passed by value.</summary>
    Type,

    /// <summary>Several attributes name a value.</summary>
    SeveralSources,

    /// <summary>Logits are read before there are any.</summary>
    LogitsOutsideMetric,

    /// <summary>The parameter reads the selected value of a metric, which has no site.</summary>
    NothingSelected,

    /// <summary>An earlier parameter is the selected value already.</summary>
    SecondValue,
}
