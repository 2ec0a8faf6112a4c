using Interventions.Generators.Diagnostics;
using Interventions.Generators.Parsing;
using Interventions.Generators.Schema;
using Interventions.Sites;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV206: a parameter gets one value, so a donor's path names one layer.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class SeveralDonorsAnalyzer() : InterventionAnalyzer(Rules.SeveralDonors, Problems)
{
    private static IEnumerable<Problem> Problems(InterventionDeclaration declaration, CancellationToken cancellation)
    {
        foreach (DeclaredPath path in DeclaredPath.Of(declaration, cancellation))
            if (path is { Reader: { } reader, Path: { } donor })
                foreach (PathSegment segment in donor.Segments)
                    if (segment.Indices is { Selection: { IsSweep: false } layers } && !IsOne(layers))
                        yield return new Problem(Rules.SeveralDonors, path.Location.At(segment.Span.Start, segment.Span.Length), reader, donor.Site);
    }

    private static bool IsOne(Selection layers) => layers.Items.Count == 1 && layers.Items[0].First == layers.Items[0].Last;
}
