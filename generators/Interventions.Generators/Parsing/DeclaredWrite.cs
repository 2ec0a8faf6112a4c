using Interventions.Generators.Infrastructure;
using Interventions.Generators.Model;
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
        [(KnownNames.Add, WriteKind.Add), (KnownNames.ProjectOut, WriteKind.ProjectOut), (KnownNames.ProjectOnto, WriteKind.ProjectOnto)];

    /// <summary>The attribute's property that names the run it reads, for those that have one.</summary>
    public string? DonorProperty => Kind switch
    {
        WriteKind.Freeze => "To",
        WriteKind.Resample or WriteKind.Mean or WriteKind.PathPatch => "From",
        _ => null,
    };

    /// <summary>The run that it reads; null is the changed one, or none.</summary>
    public string? Donor => DonorProperty is null ? null : Attribute.Named(DonorProperty) ?? (Kind == WriteKind.PathPatch ? "corrupted" : null);

    /// <summary>The derived run that it writes; null is the changed one.</summary>
    public string? Run => Attribute.Named("In");

    /// <summary>The receivers of a path patch.</summary>
    public IEnumerable<string> Receivers => Kind == WriteKind.PathPatch ? Attribute.Items(1) : [];

    /// <summary>Every site path that it writes, in the graph's order.</summary>
    public IEnumerable<string> Sites => Receivers.Prepend(Attribute.Text(0));

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
