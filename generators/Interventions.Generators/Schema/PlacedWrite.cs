using Interventions.Generators.Diagnostics;
using Interventions.Generators.Infrastructure;
using Interventions.Generators.Model;
using Interventions.Generators.Parsing;
using Interventions.Sites;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Schema;

/// <summary>A write to one site path, an included intervention's too, as a step of the declaration that is checked.</summary>
/// <param name="Write">What declares it.</param>
/// <param name="Path">Where it writes; a path patch writes its receivers.</param>
/// <param name="Run">The derived run that is written; null is the changed one.</param>
/// <param name="Order">The explicit order of the step.</param>
/// <param name="Source">What its place in the text is compared within: the file, or the property that includes it.</param>
/// <param name="Text">The path as it is written; null for that of an include.</param>
internal sealed record PlacedWrite(DeclaredWrite Write, SitePath Path, string? Run, int Order, object Source, TextLocation? Text)
{
    /// <summary>Where to report it: the path, or the property that includes it.</summary>
    public Location Location => Text?.At(0, Path.Text.Length) ?? ((IPropertySymbol)Source).Locations[0];

    /// <summary>All writes of a declaration to valid paths, in the graph's order. What an include writes in runs of its own is its own business.</summary>
    public static IReadOnlyList<PlacedWrite> Of(InterventionDeclaration declaration, CancellationToken cancellation) =>
        declaration.Once<IReadOnlyList<PlacedWrite>>(() => All(declaration, cancellation).ToList());

    private static IEnumerable<PlacedWrite> All(InterventionDeclaration declaration, CancellationToken cancellation)
    {
        foreach (DeclaredStep step in declaration.Steps)
        {
            if (step.Write is { } write)
                foreach (DeclaredPath path in Written(write, cancellation))
                    yield return new PlacedWrite(
                        write, path.Path!, write.Run, step.Order, write.Attribute.ApplicationSyntaxReference?.SyntaxTree ?? (object)declaration.Type,
                        path.Location);
            else
                foreach ((DeclaredWrite inner, SitePath path) in Included(declaration, step.Include!, [], cancellation))
                    yield return new PlacedWrite(inner, path, null, step.Order, step.Include!.Symbol, null);
        }
    }

    private static IEnumerable<(DeclaredWrite Write, SitePath Path)> Included(
        InterventionDeclaration declaration, DeclaredProperty include, HashSet<ISymbol> seen, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        if (declaration.Included(include, cancellation) is not { } included || !seen.Add(included.Type))
            yield break;
        foreach (DeclaredStep step in included.Steps)
        {
            if (step.Include is not null)
                foreach ((DeclaredWrite, SitePath) inner in Included(included, step.Include, seen, cancellation))
                    yield return inner;
            else if (step.Write!.Run is null)
                foreach (DeclaredPath path in Written(step.Write, cancellation))
                    yield return (step.Write, path.Path!);
        }
        seen.Remove(included.Type);
    }

    private static IEnumerable<DeclaredPath> Written(DeclaredWrite write, CancellationToken cancellation) =>
        (write.Kind == WriteKind.PathPatch ? DeclaredPath.Receivers(write, cancellation) : DeclaredPath.Written(write, cancellation)).Where(path => path.Path is not null);

    /// <summary>Whether the two may write a value in common, as far as their paths say.</summary>
    public bool Meets(PlacedWrite other, ModelSchema schema) => Run == other.Run && Selections.MayMeet(Path, other.Path, schema);

    /// <summary>Whether the order of the two makes no difference: factors, sums, and the same value again.</summary>
    public bool CommutesWith(PlacedWrite other) => (Write.Kind, other.Write.Kind) switch
    {
        (WriteKind.Zero or WriteKind.Scale, WriteKind.Zero or WriteKind.Scale) => true,
        (WriteKind.Add, WriteKind.Add) => true,
        // A site is spliced once, which is a rule of its own.
        (WriteKind.Splice, WriteKind.Splice) => true,
        (WriteKind.Freeze, WriteKind.Freeze) => Write.Donor == other.Write.Donor,
        _ => false,
    };
}
