using Interventions.Generators.Infrastructure;
using Interventions.Generators.Specs;
using Interventions.Sites;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Declarations;

/// <summary>A declared write: a patch method, or an attribute of the class or of a property.</summary>
internal sealed class DeclaredWrite
{
    private static readonly (string Attribute, WriteKind Kind)[] s_onClasses =
    [
        (KnownNames.Zero, WriteKind.Zero), (KnownNames.Scale, WriteKind.Scale), (KnownNames.Freeze, WriteKind.Freeze),
        (KnownNames.Resample, WriteKind.Resample), (KnownNames.Mean, WriteKind.Mean), (KnownNames.PathPatch, WriteKind.PathPatch),
    ];

    private static readonly (string Attribute, WriteKind Kind)[] s_onProperties =
    [
        (KnownNames.Add, WriteKind.Add), (KnownNames.ProjectOut, WriteKind.ProjectOut), (KnownNames.ProjectOnto, WriteKind.ProjectOnto),
        (KnownNames.Splice, WriteKind.Splice), (KnownNames.Mix, WriteKind.Mix),
    ];

    private DeclaredWrite(WriteKind kind, AttributeData attribute, DeclaredPath site, DeclaredMethod? method, IPropertySymbol? property)
    {
        (Kind, Attribute, Method, Property) = (kind, attribute, method, property);
        bool isPathPatch = kind == WriteKind.PathPatch;
        Senders = isPathPatch && DeclaredText.List(attribute, 0) is { } several
            ? several.Select(text => DeclaredPath.Of(text)).ToList()
            : [site];
        Site = Senders.Count > 0 ? Senders[0] : site;
        Receivers = isPathPatch ? DeclaredText.Items(attribute, 1).Select(text => DeclaredPath.Of(text)).ToList() : [];
        Frozen = isPathPatch ? Paths("Freeze") : null;
        Encoded = kind == WriteKind.Splice && DeclaredText.Named(attribute, "Reads") is { } reads ? DeclaredPath.Of(reads) : null;
        Donor = DonorProperty is { } donor ? DeclaredText.Named(attribute, donor) : null;
        Run = attribute.Named("In");
        Order = attribute.Named("Order", 0);
    }

    /// <summary>The attribute that declares it, by its sort.</summary>
    public WriteKind Kind { get; }

    /// <summary>The attribute that declares it.</summary>
    public AttributeData Attribute { get; }

    /// <summary>The attribute's own path: the written one, or a path patch's first sender.</summary>
    public DeclaredPath Site { get; }

    /// <summary>The method of a patch.</summary>
    public DeclaredMethod? Method { get; }

    /// <summary>The property that holds the tensor, if one does.</summary>
    public IPropertySymbol? Property { get; }

    /// <summary>The senders of a path patch; the written path of any other write.</summary>
    public IReadOnlyList<DeclaredPath> Senders { get; }

    /// <summary>The receivers of a path patch.</summary>
    public IReadOnlyList<DeclaredPath> Receivers { get; }

    /// <summary>The sites that a path patch freezes, where it lists them.</summary>
    public IReadOnlyList<DeclaredPath>? Frozen { get; }

    /// <summary>Every path that it writes, in the graph's order.</summary>
    public IEnumerable<DeclaredPath> Written => (Frozen ?? []).Concat(Senders).Concat(Receivers);

    /// <summary>The path that a splice encodes, where it is not the written one.</summary>
    public DeclaredPath? Encoded { get; }

    /// <summary>The run that the attribute names as donor; null when it names none.</summary>
    public DeclaredText? Donor { get; }

    /// <summary>The run that it reads; null is the changed one, or none.</summary>
    public string? DonorRun => Donor?.Value ?? (ValueKind is WriteKind.PathPatch or WriteKind.Mix ? "corrupted" : null);

    /// <summary>The sort of write that a mask puts where it is 0; null where it is another run's value, or there is no mask.</summary>
    public WriteKind? Ablation => Kind != WriteKind.Mix ? null : Attribute.NamedMember("Ablation") switch
    {
        nameof(WriteKind.Mean) => WriteKind.Mean,
        nameof(WriteKind.Zero) => WriteKind.Zero,
        nameof(WriteKind.Resample) => WriteKind.Resample,
        _ => null,
    };

    /// <summary>The sort of write that says what is read: a mask's ablation, else its own.</summary>
    public WriteKind ValueKind => Ablation ?? Kind;

    /// <summary>Every run that it names as donor: the attribute's, then those of the method's parameters.</summary>
    public IEnumerable<DeclaredText> Donors =>
        new[] { Donor }.Concat(Parameters.Select(parameter => parameter.Donor)).OfType<DeclaredText>();

    /// <summary>The derived run that it writes; null is the changed one.</summary>
    public string? Run { get; }

    /// <summary>The file that declares it; null in a referenced assembly.</summary>
    public SyntaxTree? File => Attribute.ApplicationSyntaxReference?.SyntaxTree;

    /// <summary>Its explicit order; see <see cref="InterventionDeclaration.Steps"/>.</summary>
    public int Order { get; }

    /// <summary>The method's parameters; none without a method.</summary>
    public IReadOnlyList<DeclaredParameter> Parameters => Method?.Parameters ?? [];

    /// <summary>The factor or strength as text, where it is swept; empty where it is a number, or there is none.</summary>
    public string AmountText => Kind is WriteKind.Scale or WriteKind.Add ? Attribute.Text(1) : "";

    /// <summary>The factor or strength; not a number where it cannot be read.</summary>
    public double Amount => Kind == WriteKind.Scale ? Attribute.Number(1) : Attribute.Named("Strength", 1.0);

    /// <summary>The placeholder of a factor or strength that is swept; null where none is.</summary>
    public string? AmountSweep => BracedName.Read(AmountText);

    /// <summary>The placeholder of the run that is read; null where it is not swept.</summary>
    public string? DonorSweep => BracedName.Read(DonorRun);

    /// <summary>The name of the property that holds the prompts of a mean; null where none is named.</summary>
    public DeclaredText? Over => ValueKind == WriteKind.Mean ? DeclaredText.Named(Attribute, "Over") : null;

    /// <summary>The axes of a mask.</summary>
    public IReadOnlyList<DeclaredText> Axes => Kind == WriteKind.Mix ? DeclaredText.Items(Attribute, 1).ToList() : [];

    /// <summary>The placeholders outside the written path: those of the strength, of the donor, and of what the method reads.</summary>
    public IEnumerable<string> OuterPlaceholders => new[] { AmountSweep, DonorSweep }.OfType<string>().Concat(Parameters.SelectMany(
        parameter => new[] { parameter.Sweep }.OfType<string>().Concat(parameter.Path?.Placeholders ?? [])));

    /// <summary>All placeholders, in the graph's order: a path's, then those of the values that are read for it.</summary>
    public IEnumerable<string> Placeholders
    {
        get
        {
            List<string> outer = OuterPlaceholders.ToList();
            return (Frozen ?? []).SelectMany(path => path.Placeholders)
                .Concat(Senders.SelectMany(sender => sender.Placeholders.Concat(outer)))
                .Concat(Receivers.SelectMany(path => path.Placeholders));
        }
    }

    private string? DonorProperty => Kind switch
    {
        WriteKind.Freeze or WriteKind.Resample or WriteKind.Mean or WriteKind.PathPatch or WriteKind.Mix => "From",
        _ => null,
    };

    /// <summary>The write of a patch.</summary>
    public static DeclaredWrite Of(DeclaredMethod patch) => new(WriteKind.Patch, patch.Attribute, patch.Path!, patch, null);

    /// <summary>The writes that a class or a property declares by attributes, in their order.</summary>
    public static IEnumerable<DeclaredWrite> Read(ISymbol symbol)
    {
        (string Attribute, WriteKind Kind)[] known = symbol is IPropertySymbol ? s_onProperties : s_onClasses;
        foreach (AttributeData attribute in symbol.GetAttributes())
            foreach ((string name, WriteKind kind) in known)
                if (attribute.Is(name))
                    yield return new DeclaredWrite(
                        kind, attribute, DeclaredPath.Of(DeclaredText.Argument(attribute, 0)), null, symbol as IPropertySymbol);
    }

    /// <summary>Whether the order of two writes to one place makes no difference: factors, sums, and the same value again.</summary>
    public bool CommutesWith(DeclaredWrite other) => (Kind, other.Kind) switch
    {
        (WriteKind.Zero or WriteKind.Scale, WriteKind.Zero or WriteKind.Scale) => true,
        (WriteKind.Add, WriteKind.Add) => true,
        // Two splices at one site are an error of their own.
        (WriteKind.Splice, WriteKind.Splice) => true,
        (WriteKind.Freeze, WriteKind.Freeze) => DonorRun == other.DonorRun,
        _ => false,
    };

    private List<DeclaredPath>? Paths(string property) =>
        DeclaredText.NamedItems(Attribute, property)?.Select(text => DeclaredPath.Of(text)).ToList();
}

/// <summary>A step of a declaration: an included intervention's writes, or an own write.</summary>
/// <param name="Owner">The class that says it: the declaration's, or a base.</param>
/// <param name="Order">The explicit order; 0 without one.</param>
/// <param name="Include">The property that holds the included intervention.</param>
/// <param name="Write">The own write.</param>
internal sealed record DeclaredStep(INamedTypeSymbol Owner, int Order, DeclaredProperty? Include, DeclaredWrite? Write);
