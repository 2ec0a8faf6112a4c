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
/// <param name="IsDonor">Whether it says what is read from another run.</param>
internal sealed record DeclaredPath(TextLocation Location, SitePath? Path, SiteProblem? Syntax, bool IsWritten, bool IsDonor)
{
    /// <summary>All paths of a declaration, in textual order.</summary>
    public static IEnumerable<DeclaredPath> Of(InterventionDeclaration declaration, CancellationToken cancellation)
    {
        foreach (DeclaredMethod method in declaration.Methods)
        {
            if (method.Kind != NodeKind.Metric)
                yield return Parse(TextLocation.Argument(method.Attributes[0], 0, cancellation), isWritten: method.Kind == NodeKind.Patch);
            foreach (DeclaredParameter parameter in method.Parameters)
                if (parameter.From is { } from && from.HasArgument(1))
                    yield return Parse(TextLocation.Argument(from, 1, cancellation), isDonor: true);
        }
    }

    private static DeclaredPath Parse(TextLocation location, bool isWritten = false, bool isDonor = false) =>
        SitePath.TryParse(location.Text, out SitePath? path, out SiteProblem? syntax)
            ? new DeclaredPath(location, path, null, isWritten, isDonor)
            : new DeclaredPath(location, null, syntax, isWritten, isDonor);
}
