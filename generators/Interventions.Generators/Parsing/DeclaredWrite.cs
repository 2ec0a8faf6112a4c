using Interventions.Generators.Infrastructure;
using Interventions.Generators.Model;
using Interventions.Sites;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Parsing;

/// <summary>A declared write: a method's, or an attribute of the class or of a property.</summary>
/// <param name="Kind">Which one.</param>
/// <param name="Attribute">What declares it.</param>
/// <param name="Method">The method of a patch.</param>
/// <param name="Property">The property that holds the tensor, if any.</param>
internal sealed record DeclaredWrite(WriteKind Kind, AttributeData Attribute, DeclaredMethod? Method = null, IPropertySymbol? Property = null)
{
    private static readonly (string Attribute, WriteKind Kind)[] OnClasses =
    [
        (KnownNames.Zero, WriteKind.Zero), (KnownNames.Scale, WriteKind.Scale), (KnownNames.Freeze, WriteKind.Freeze),
        (KnownNames.Resample, WriteKind.Resample), (KnownNames.Mean, WriteKind.Mean), (KnownNames.PathPatch, WriteKind.PathPatch),
    ];

    private static readonly (string Attribute, WriteKind Kind)[] OnProperties =
        [(KnownNames.Add, WriteKind.Add), (KnownNames.ProjectOut, WriteKind.ProjectOut), (KnownNames.ProjectOnto, WriteKind.ProjectOnto), (KnownNames.Splice, WriteKind.Splice), (KnownNames.Mix, WriteKind.Mix)];

    /// <summary>The attribute's property that names the run it reads, for those that have one.</summary>
    public string? DonorProperty => Kind switch
    {
        WriteKind.Freeze or WriteKind.Resample or WriteKind.Mean or WriteKind.PathPatch or WriteKind.Mix => "From",
        _ => null,
    };

    /// <summary>The run that it reads; null is the changed one, or none.</summary>
    public string? Donor => DonorProperty is null ? null : Attribute.Named(DonorProperty) ?? (Kind is WriteKind.PathPatch or WriteKind.Mix ? "corrupted" : null);

    /// <summary>The derived run that it writes; null is the changed one.</summary>
    public string? Run => Attribute.Named("In");

    /// <summary>The factor or strength as text, where it is swept; empty where it is a number, or there is none.</summary>
    public string AmountText => Kind is WriteKind.Scale or WriteKind.Add ? Attribute.Text(1) : "";

    /// <summary>The placeholder of a factor or strength that is swept; null where none is.</summary>
    public string? AmountSweep => BracedName.Read(AmountText);

    /// <summary>The placeholder of the run that is read; null where it is not swept.</summary>
    public string? DonorSweep => BracedName.Read(Donor);

    /// <summary>When it happens; see <see cref="InterventionDeclaration.Steps"/>.</summary>
    public int Order => Attribute.Named("Order", 0);

    /// <summary>The receivers of a path patch.</summary>
    public IEnumerable<string> Receivers => Kind == WriteKind.PathPatch ? Attribute.Items(1) : [];

    /// <summary>The senders of a path patch; what any other write writes.</summary>
    public IEnumerable<string> Senders => SeveralSenders ?? [Attribute.Text(0)];

    /// <summary>The senders of a path patch that names them as an array; null where there is one.</summary>
    public IReadOnlyList<string>? SeveralSenders => Kind == WriteKind.PathPatch ? Attribute.List(0) : null;

    /// <summary>What a path patch freezes, where it says so.</summary>
    public IReadOnlyList<string>? Frozen => Kind == WriteKind.PathPatch ? Attribute.NamedItems("Freeze") : null;

    /// <summary>Every site path that it writes, in the graph's order.</summary>
    public IEnumerable<string> Sites => (Frozen ?? []).Concat(Senders).Concat(Receivers);

    /// <summary>The name of the property that holds the prompts of a mean; null where none is named.</summary>
    public string? Over => Kind == WriteKind.Mean ? Attribute.Named("Over") : null;

    /// <summary>What the axes of a mask are.</summary>
    public IEnumerable<string> Axes => Kind == WriteKind.Mix ? Attribute.Items(1) : [];

    /// <summary>The placeholders of everything that is written or read, in the graph's order: a path's, then those of what is read for it.</summary>
    public IEnumerable<string> Placeholders
    {
        get
        {
            IEnumerable<string?> reads = [AmountSweep, DonorSweep, .. Method?.Parameters.Select(parameter => parameter.Sweep) ?? []];
            return (Frozen ?? []).SelectMany(OfPath)
                .Concat(Senders.SelectMany(sender => OfPath(sender).Concat(reads.OfType<string>())))
                .Concat(Receivers.SelectMany(OfPath));
        }
    }

    private static IEnumerable<string> OfPath(string site) =>
        ParsedPath.Of(site).Path is { } path ? path.Placeholders.Select(use => use.Name) : [];

    /// <summary>The writes that a class or a property declares by attributes, in their order.</summary>
    public static IEnumerable<DeclaredWrite> Read(ISymbol symbol)
    {
        (string Attribute, WriteKind Kind)[] known = symbol is IPropertySymbol ? OnProperties : OnClasses;
        foreach (AttributeData attribute in symbol.GetAttributes())
            foreach ((string name, WriteKind kind) in known)
                if (attribute.AttributeClass is { } type && type.Is(name))
                    yield return new DeclaredWrite(kind, attribute, Property: symbol as IPropertySymbol);
    }
}
