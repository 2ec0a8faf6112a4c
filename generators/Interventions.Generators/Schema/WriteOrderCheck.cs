using Interventions.Generators.Diagnostics;
using Interventions.Generators.Parsing;

namespace Interventions.Generators.Schema;

/// <summary>
/// The rule of order: within one file the text says which write comes first. Between files, and between an include and anything else, only an explicit order
/// does, unless the writes commute.
/// </summary>
internal static class WriteOrderCheck
{
    public static IEnumerable<Problem> Problems(InterventionDeclaration declaration, CancellationToken cancellation)
    {
        if (DeclaredSplices.Schema(declaration, cancellation) is not { } schema)
            yield break;
        IReadOnlyList<PlacedWrite> writes = PlacedWrite.Of(declaration, cancellation);
        if (writes.Select(write => write.Source).Distinct().Count() < 2)
            yield break;
        var reported = new HashSet<object>();
        for (int later = 1; later < writes.Count; later++)
        {
            PlacedWrite write = writes[later];
            PlacedWrite? earlier = writes.Take(later).FirstOrDefault(
                other => !other.Source.Equals(write.Source) && other.Order == write.Order && other.Meets(write, schema) && !other.CommutesWith(write));
            if (earlier is not null && reported.Add(write.Location))
                yield return new Problem(Rules.AmbiguousOrder, write.Location, write.Path.Site, Where(earlier));
        }
    }

    private static string Where(PlacedWrite write) => write.Source is Microsoft.CodeAnalysis.IPropertySymbol include ? $"include '{include.Name}'" : "another file";
}
