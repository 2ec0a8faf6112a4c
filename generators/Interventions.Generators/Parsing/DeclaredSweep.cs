using Interventions.Generators.Infrastructure;
using Interventions.Runtime;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Parsing;

/// <summary>A <c>[Sweep]</c> of a class: numbers or runs.</summary>
/// <param name="Attribute">The attribute.</param>
/// <param name="Name">The placeholder.</param>
/// <param name="Numbers">The numbers; empty where runs are swept.</param>
/// <param name="Runs">The runs; empty where numbers are swept.</param>
internal sealed record DeclaredSweep(AttributeData Attribute, string Name, EquatableArray<double> Numbers, EquatableArray<string> Runs)
{
    /// <summary>Whether runs are swept.</summary>
    public bool IsOfRuns => Runs.Count > 0;

    /// <summary>How many values it has.</summary>
    public int Count => Numbers.Count + Runs.Count;

    /// <summary>The sweeps that a class lists, in textual order.</summary>
    public static IEnumerable<DeclaredSweep> Read(INamedTypeSymbol type)
    {
        foreach (AttributeData attribute in type.GetAttributes())
        {
            if (attribute.AttributeClass is not { } known || !known.Is(KnownNames.Sweep))
                continue;
            bool isOfRuns = attribute.ConstructorArguments.Length == 3;
            yield return new DeclaredSweep(
                attribute, attribute.Text(0),
                isOfRuns ? default : Values(attribute).OfType<double>().ToEquatableArray(),
                isOfRuns ? attribute.Items(2).Prepend(attribute.Text(1)).ToEquatableArray() : default);
        }
    }

    private static IEnumerable<object?> Values(AttributeData attribute) =>
        attribute.ConstructorArguments is { Length: 2 } arguments && arguments[1] is { Kind: TypedConstantKind.Array, IsNull: false } values
            ? values.Values.Select(value => value.Value)
            : [];
}
