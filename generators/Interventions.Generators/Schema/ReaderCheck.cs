using Interventions.Generators.Diagnostics;
using Interventions.Generators.Infrastructure;
using Interventions.Generators.Model;
using Interventions.Generators.Parsing;
using Interventions.Sites;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Schema;

/// <summary>
/// The rules of readers. A write reaches a value that is kept, directly or through runs that read it, by the order of the forward pass. A
/// value that is kept as it is before its writes has writes. A declaration that keeps nothing is there to be included, or to generate.
/// </summary>
internal static class ReaderCheck
{
    private static readonly SitePath Logits = SitePath.Parse("logits");

    public static IEnumerable<Problem> Problems(InterventionDeclaration declaration, CancellationToken cancellation)
    {
        if (DeclaredSplices.Schema(declaration, cancellation) is not { } schema)
            return [];
        IReadOnlyList<PlacedWrite> writes = PlacedWrite.Of(declaration, cancellation);
        return Unread(declaration, writes, schema, cancellation).Concat(NothingBefore(declaration, writes, schema, cancellation));
    }

    private static IEnumerable<Problem> Unread(
        InterventionDeclaration declaration, IReadOnlyList<PlacedWrite> writes, ModelSchema schema, CancellationToken cancellation)
    {
        if (declaration.Methods.All(method => method.Kind == NodeKind.Patch))
            yield break;
        List<Reader> readers =
            declaration.Methods.Where(method => method.Kind != NodeKind.Patch).SelectMany(method => Readers(method, cancellation)).ToList();
        // The writes of one include count together, and so do the receivers of one path patch: one of them is to be read.
        foreach (IGrouping<object, PlacedWrite> step in writes.GroupBy(one => one.Source is IPropertySymbol ? one.Source : one.Write))
            if (!step.Any(one => Reaches(one, readers, writes, schema, [], cancellation)))
            {
                PlacedWrite write = step.First();
                string run = write.Run is null ? "" : $" in run '{write.Run}'";
                yield return new Problem(Rules.UnreadWrite, write.Location, write.Path.Site, run);
            }
    }

    private static bool Reaches(
        PlacedWrite write, List<Reader> readers, IReadOnlyList<PlacedWrite> writes, ModelSchema schema, HashSet<PlacedWrite> seen,
        CancellationToken cancellation)
    {
        if (!seen.Add(write))
            return false;
        if (write.Run is null)
            return readers.Any(reader => SiteOrder.MayReach(write.Path, reader.Path, reader.IsBefore, schema));
        return writes.Any(other => Donors(other, write.Run, cancellation).Any(path => SiteOrder.MayReach(write.Path, path, false, schema))
            && Reaches(other, readers, writes, schema, seen, cancellation));
    }

    /// <summary>The places in a derived run that a write reads.</summary>
    private static IEnumerable<SitePath> Donors(PlacedWrite write, string run, CancellationToken cancellation)
    {
        if (write.Write.Donor == run)
            yield return write.Path;
        foreach (DeclaredParameter parameter in write.Write.Method?.Parameters ?? [])
            if (parameter.Kind == ReadKind.From && parameter.Attribute.Text(0) == run)
                yield return DeclaredPath.Read(parameter, cancellation)?.Path ?? write.Path;
    }

    /// <summary>The values of the changed run that a kept value is made of.</summary>
    private static IEnumerable<Reader> Readers(DeclaredMethod method, CancellationToken cancellation)
    {
        foreach (DeclaredParameter parameter in method.Parameters)
        {
            SitePath? path = parameter.Kind switch
            {
                ReadKind.Value => Own(method),
                ReadKind.ValueOf => DeclaredPath.Read(parameter, cancellation)?.Path,
                ReadKind.Logit or ReadKind.Logits when parameter.Attribute.Named("Run") is null => Logits,
                _ => null,
            };
            if (path is not null)
                yield return new Reader(path, parameter.Kind == ReadKind.Value && IsBefore(method));
        }
    }

    private static SitePath? Own(DeclaredMethod method) => ParsedPath.Of(method.Site).Path;

    private static bool IsBefore(DeclaredMethod method) => method.Attribute.Named("BeforeWrites", false);

    private static IEnumerable<Problem> NothingBefore(
        InterventionDeclaration declaration, IReadOnlyList<PlacedWrite> writes, ModelSchema schema, CancellationToken cancellation)
    {
        foreach (DeclaredMethod method in declaration.Methods)
            if (method.Kind == NodeKind.Capture && IsBefore(method) && Own(method) is { } path && ResolvedPath.Of(path, schema).IsSuccess
                && !writes.Any(write => write.Run is null && Selections.MayMeet(write.Path, path, schema)))
            {
                var location = TextLocation.Argument(method.Attribute, 0, cancellation);
                yield return new Problem(Rules.NothingBefore, location.At(0, path.Text.Length), path.Text);
            }
    }

    /// <summary>A value that is read.</summary>
    /// <param name="Path">Its site and what is selected of it.</param>
    /// <param name="IsBefore">Whether it is read as it is before the writes to that very site.</param>
    private sealed record Reader(SitePath Path, bool IsBefore);
}
