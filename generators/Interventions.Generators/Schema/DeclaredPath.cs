using Interventions.Generators.Diagnostics;
using Interventions.Generators.Infrastructure;
using Interventions.Generators.Model;
using Interventions.Generators.Parsing;
using Interventions.Sites;

namespace Interventions.Generators.Schema;

/// <summary>A path that a declaration contains.</summary>
/// <param name="Location">Where.</param>
/// <param name="Path">The path; null when it breaks the grammar.</param>
/// <param name="Syntax">How it breaks the grammar.</param>
/// <param name="IsWritten">Whether it says what is written.</param>
/// <param name="Reader">The parameter's attribute that reads it; null where it is no parameter's.</param>
internal sealed record DeclaredPath(TextLocation Location, SitePath? Path, SiteProblem? Syntax, bool IsWritten, string? Reader)
{
    /// <summary>All paths of a declaration: those of built-in writes of the class, then the members', in textual order.</summary>
    public static IReadOnlyList<DeclaredPath> Of(InterventionDeclaration declaration, CancellationToken cancellation) =>
        declaration.Once<IReadOnlyList<DeclaredPath>>(() => All(declaration, cancellation).ToList());

    private static IEnumerable<DeclaredPath> All(InterventionDeclaration declaration, CancellationToken cancellation)
    {
        foreach (DeclaredWrite write in declaration.Writes)
        {
            foreach (DeclaredPath path in Written(write, cancellation))
                yield return path;
            foreach (DeclaredPath path in Read(write.Method?.Parameters ?? [], cancellation))
                yield return path;
            if (write.Kind == WriteKind.Splice && TextLocation.Property(write.Attribute, "Reads", cancellation) is { } encoded)
                yield return Parse(encoded);
        }
        foreach (DeclaredMethod method in declaration.Methods)
        {
            if (method.Kind == NodeKind.Patch)
                continue;
            if (method.Kind != NodeKind.Metric)
                yield return Parse(TextLocation.Argument(method.Attribute, 0, cancellation));
            foreach (DeclaredPath path in Read(method.Parameters, cancellation))
                yield return path;
        }
    }

    /// <summary>What a write writes: a path patch what it freezes, its senders and its receivers, any other write one path.</summary>
    public static IEnumerable<DeclaredPath> Written(DeclaredWrite write, CancellationToken cancellation) =>
        (write.Kind == WriteKind.PathPatch ? TextLocation.Items(write.Attribute, "Freeze", cancellation) : []).Select(location => Parse(location, isWritten: true))
            .Concat(Senders(write, cancellation)).Concat(Receivers(write, cancellation));

    /// <summary>The senders of a path patch; what any other write writes.</summary>
    public static IEnumerable<DeclaredPath> Senders(DeclaredWrite write, CancellationToken cancellation) =>
        (write.SeveralSenders?.Select((_, i) => TextLocation.Item(write.Attribute, 0, i, cancellation)) ?? [TextLocation.Argument(write.Attribute, 0, cancellation)])
            .Select(location => Parse(location, isWritten: true));

    /// <summary>The receivers of a path patch.</summary>
    public static IEnumerable<DeclaredPath> Receivers(DeclaredWrite write, CancellationToken cancellation) =>
        write.Receivers.Select((_, i) => Parse(TextLocation.Item(write.Attribute, 1, i, cancellation), isWritten: true));

    private static IEnumerable<DeclaredPath> Read(IEnumerable<DeclaredParameter> parameters, CancellationToken cancellation) =>
        parameters.Select(parameter => Read(parameter, cancellation)).OfType<DeclaredPath>();

    /// <summary>The path that a parameter reads; null when it reads none of its own.</summary>
    public static DeclaredPath? Read(DeclaredParameter parameter, CancellationToken cancellation) => parameter.Kind switch
    {
        ReadKind.From when !parameter.IsOwnSiteElsewhere => Parse(TextLocation.Argument(parameter.Attribute, 1, cancellation), reader: "From"),
        ReadKind.ValueOf => Parse(TextLocation.Argument(parameter.Attribute, 0, cancellation), reader: "ValueOf"),
        _ => null,
    };

    private static DeclaredPath Parse(TextLocation location, bool isWritten = false, string? reader = null)
    {
        var parsed = ParsedPath.Of(location.Text);
        return new DeclaredPath(location, parsed.Path, parsed.Problem, isWritten, reader);
    }
}
