using Interventions.Runtime;

namespace Interventions.Generators.Model;

/// <summary>What a placeholder of strengths or runs goes through; one of the two lists is empty.</summary>
/// <param name="Name">The placeholder.</param>
/// <param name="Numbers">Numbers.</param>
/// <param name="Runs">Runs.</param>
internal sealed record SweepModel(string Name, EquatableArray<double> Numbers, EquatableArray<string> Runs);

/// <summary>An axis of the result.</summary>
/// <param name="Name">The placeholder.</param>
/// <param name="Kind">What indexes it.</param>
internal sealed record PlaceholderModel(string Name, PlaceholderKind Kind);

/// <summary>What indexes an axis of the result.</summary>
internal enum PlaceholderKind
{
    /// <summary>An index: <c>int</c>.</summary>
    Index,

    /// <summary>A name, of a position or a run: <c>string</c>.</summary>
    Name,

    /// <summary>A strength: <c>double</c>.</summary>
    Number,
}
