using Interventions.Generators.Diagnostics;
using Interventions.Generators.Model;
using Interventions.Generators.Parsing;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Schema;

/// <summary>A placeholder outside site paths: a run's or a strength's.</summary>
/// <param name="Name">The placeholder.</param>
/// <param name="IsRun">Whether a run stands there; otherwise a number.</param>
/// <param name="Location">Where.</param>
internal sealed record DeclaredSweepUse(string Name, bool IsRun, Location Location)
{
    /// <summary>All of a declaration: those of its writes, then those of what it keeps.</summary>
    public static IReadOnlyList<DeclaredSweepUse> Of(InterventionDeclaration declaration, CancellationToken cancellation) =>
        declaration.Once<IReadOnlyList<DeclaredSweepUse>>(() => All(declaration, cancellation).ToList());

    private static IEnumerable<DeclaredSweepUse> All(InterventionDeclaration declaration, CancellationToken cancellation)
    {
        foreach (DeclaredWrite write in declaration.Writes)
        {
            if (write.AmountSweep is { } amount)
                yield return At(amount, isRun: false, TextLocation.Argument(write.Attribute, 1, cancellation));
            if (write is { DonorSweep: { } donor, DonorProperty: { } property } && TextLocation.Property(write.Attribute, property, cancellation) is { } location)
                yield return At(donor, isRun: true, location);
        }
        foreach (DeclaredParameter parameter in declaration.Methods.SelectMany(method => method.Parameters))
            if (parameter.Sweep is { } name)
                yield return At(name, parameter.Kind == ReadKind.From, TextLocation.Argument(parameter.Attribute, 0, cancellation));
    }

    private static DeclaredSweepUse At(string name, bool isRun, TextLocation location) => new(name, isRun, location.At(0, location.Text.Length));
}
