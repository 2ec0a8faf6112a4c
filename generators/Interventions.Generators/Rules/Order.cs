using Interventions.Generators.Declarations;
using Interventions.Generators.Infrastructure;
using Interventions.Generators.Specs;
using Interventions.Sites;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Rules;

/// <summary>
/// Checks the order of computation: a write comes after the values that it reads in its own run, a reader after the write that it is to
/// see; and of two writes to one place the text says which comes first.
/// </summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
internal sealed class Order() : InterventionAnalyzer(LaterValue, UnreadWrite, AmbiguousOrder, NothingBefore)
{
    public static readonly DiagnosticDescriptor LaterValue = Rule.Composition(
        "INV213", "A write reads earlier values of its own run", Sentences.LaterValue);

    public static readonly DiagnosticDescriptor UnreadWrite = Rule.Composition(
        "INV221", "A write that nothing reads", Sentences.UnreadWrite);

    public static readonly DiagnosticDescriptor AmbiguousOrder = Rule.Composition(
        "INV222", "Writes whose order is not said",
        "'{0}' is also written by {1}, and the text does not say which comes first: give the later one a higher Order");

    public static readonly DiagnosticDescriptor NothingBefore = Rule.Composition(
        "INV223", "Captured before writes that do not happen", Sentences.NothingBefore);

    private static readonly SitePath s_logits = SitePath.Parse("logits");

    /// <summary>Checks that values are read after they are computed.</summary>
    public static IEnumerable<Problem> Causality(InterventionDeclaration declaration)
    {
        foreach (DeclaredWrite write in declaration.Writes)
            foreach (Problem problem in OwnRun(write, declaration))
                yield return problem;
    }

    protected override IEnumerable<Problem> Problems(InterventionDeclaration declaration)
    {
        IEnumerable<Problem> causality = Causality(declaration);
        return declaration.Schema is { } schema
            ? causality.Concat(Unread(declaration, schema)).Concat(WithoutBefore(declaration, schema))
                .Concat(Ambiguous(declaration, schema))
            : causality;
    }

    private static IEnumerable<Problem> OwnRun(DeclaredWrite write, InterventionDeclaration declaration)
    {
        SweptLayers layers = new(declaration);
        // A run is a donor when it is complete, and its own writes are part of it.
        foreach (DeclaredText donor in write.Donors)
            if (donor.Value == write.Run)
                yield return new Problem(
                    LaterValue, donor.Location, write.Site.Value,
                    Sentences.Of(Sentences.RunIsComplete, donor.Value));
        foreach (DeclaredParameter parameter in write.Parameters)
            if (parameter is { Kind: ReadKind.ValueOf, Path: { Path: { } read } path } && declaration.ModelSchema is { } schema
                && write.Site.Path is { } written && SiteOrder.IsTooEarly(written, read, schema, layers))
                yield return new Problem(
                    LaterValue, path.Text.At(0, read.Site.Length), write.Site.Value,
                    Sentences.Of(Sentences.ExistsLater, read.Site));
    }

    /// <summary>
    /// Every write reaches a kept value, directly or through runs that read it. A declaration that keeps nothing is made to be included, or
    /// to generate.
    /// </summary>
    private static IEnumerable<Problem> Unread(InterventionDeclaration declaration, ModelSchema schema)
    {
        List<DeclaredMethod> kept = declaration.Methods.Where(method => method.IsKept).ToList();
        if (kept.Count == 0)
            yield break;
        List<Reader> readers = kept.SelectMany(Readers).ToList();
        // An include counts as one write, and so does a path patch with several receivers.
        foreach (IGrouping<object, PlacedWrite> step in declaration.PlacedWrites.GroupBy(write => (object?)write.Include ?? write.Write))
            if (!step.Any(write => Reaches(write, readers, declaration.PlacedWrites, schema, [])))
                yield return new Problem(
                    UnreadWrite, step.First().Location, step.First().Path.Site, step.First().Run is { } run ? $" in run '{run}'" : "")
                {
                    IsLack = true,
                };
    }

    private static bool Reaches(
        PlacedWrite write, List<Reader> readers, IReadOnlyList<PlacedWrite> writes, ModelSchema schema, HashSet<PlacedWrite> seen)
    {
        if (!seen.Add(write))
            return false;
        if (write.Run is null)
            return readers.Exists(reader => SiteOrder.MayReach(write.Path, reader.Path, reader.IsBefore, schema));
        return writes.Any(other => Donors(other, write.Run).Any(path => SiteOrder.MayReach(write.Path, path, false, schema))
            && Reaches(other, readers, writes, schema, seen));
    }

    /// <summary>The places in a derived run that a write reads.</summary>
    private static IEnumerable<SitePath> Donors(PlacedWrite write, string run)
    {
        if (write.Write.DonorRun == run)
            yield return write.Path;
        foreach (DeclaredParameter parameter in write.Write.Parameters)
            if (parameter.Donor?.Value == run)
                yield return parameter.Path?.Path ?? write.Path;
    }

    /// <summary>The places in the changed run that a kept method reads.</summary>
    private static IEnumerable<Reader> Readers(DeclaredMethod method)
    {
        foreach (DeclaredParameter parameter in method.Parameters)
        {
            bool isOwn = parameter.Kind == ReadKind.Value;
            SitePath? path = parameter.Kind switch
            {
                ReadKind.Value => method.Path?.Path,
                ReadKind.ValueOf => parameter.Path!.Path,
                _ when parameter.IsOfLogits && parameter.Attribute.Named("In") is null => s_logits,
                _ => null,
            };
            if (path is not null)
                yield return new Reader(path, isOwn && method.IsBeforeWrites);
        }
    }

    /// <summary>A capture of the value before the writes needs a write.</summary>
    private static IEnumerable<Problem> WithoutBefore(InterventionDeclaration declaration, ModelSchema schema)
    {
        foreach (DeclaredMethod method in declaration.Methods)
            if (method is { Kind: NodeKind.Capture, IsBeforeWrites: true, Path: { Path: { } path } declared }
                && ResolvedPath.Of(path, schema).IsSuccess
                && !declaration.PlacedWrites.Any(write => write.Run is null && Selections.MayMeet(write.Path, path, schema)))
                yield return new Problem(NothingBefore, declared.Text.Location, path.Text) { IsLack = true };
    }

    /// <summary>
    /// Within one file the text says which write comes first. Between files, and between an include and another write, only an explicit
    /// order does, unless the writes commute.
    /// </summary>
    private static IEnumerable<Problem> Ambiguous(InterventionDeclaration declaration, ModelSchema schema)
    {
        IReadOnlyList<PlacedWrite> writes = declaration.PlacedWrites;
        var reported = new HashSet<Location>();
        for (int later = 1; later < writes.Count; later++)
        {
            PlacedWrite write = writes[later];
            PlacedWrite? earlier = writes.Take(later).FirstOrDefault(other => !other.IsBeside(write) && other.Order == write.Order
                && other.Meets(write, schema) && !other.Write.CommutesWith(write.Write));
            if (earlier is not null && reported.Add(write.Location))
                yield return new Problem(
                    AmbiguousOrder, write.Location, write.Path.Site,
                    earlier.Include is { } include ? $"include '{include.Name}'" : "another file");
        }
    }

    /// <summary>A place that is read.</summary>
    /// <param name="Path">The path.</param>
    /// <param name="IsBefore">Whether it is read as it is before the writes to that very site.</param>
    private sealed record Reader(SitePath Path, bool IsBefore);
}
