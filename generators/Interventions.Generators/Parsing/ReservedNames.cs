using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Parsing;

/// <summary>The names that the generator adds to an intervention, which its members can therefore not have.</summary>
internal static class ReservedNames
{
    private static readonly HashSet<string> Names = new(StringComparer.Ordinal)
    {
        "Graph", "Members", "Run", "StreamAsync", "RunTo", "Load", "Result", "RunValues", "Swept", "Generate", "Generated", "Generation",
    };

    /// <summary>The members in the way, and the class itself, which no member may be called like.</summary>
    public static IEnumerable<ISymbol> Collisions(InterventionDeclaration declaration) =>
        declaration.Type.GetMembers().Prepend(declaration.Type).Where(member => Names.Contains(member.Name) && !IsGenerated(member));

    /// <summary>An analyzer sees the generated members too.</summary>
    private static bool IsGenerated(ISymbol member) =>
        member.DeclaringSyntaxReferences.All(reference => reference.SyntaxTree.FilePath.EndsWith(".g.cs", StringComparison.Ordinal));
}
