using System.Collections.Immutable;
using Interventions.Binding;
using Interventions.ModelGraphs;

namespace Interventions.Planning;

/// <summary>
/// One version of the prompts, or as many as a sweep has points that only differ in what is written, not where in the graph and at which positions: a group is one symbolic axis, not a
/// copy of the graph for every variant.
/// </summary>
/// <param name="Index">Its place: a group reads earlier ones only.</param>
/// <param name="Run">The run's number; null for the changed run.</param>
/// <param name="TokensOf">The run of the prompt set whose tokens it has.</param>
/// <param name="Parent">The group that it is a variant of; null for the first run of the prompt set.</param>
/// <param name="Points">The variants: indices of points of the sweep; empty for a run of the prompt set, which is one variant.</param>
/// <param name="Point">A point that stands for all of them.</param>
/// <param name="Writes">The writes by node, in order.</param>
/// <param name="Definitions">Definitions of nodes that are not the ordinary ones, because of what is written.</param>
internal sealed record VariantGroup(
    int Index,
    int? Run,
    int TokensOf,
    int? Parent,
    ImmutableArray<int> Points,
    SweepPoint Point,
    IReadOnlyDictionary<string, ImmutableArray<BoundWrite>> Writes,
    IReadOnlyDictionary<string, Definition> Definitions)
{
    /// <summary>Whether it is a run of the prompt set.</summary>
    public bool IsUnchanged => Points.IsEmpty;

    /// <summary>How many variants it has.</summary>
    public int Count => IsUnchanged ? 1 : Points.Length;

    /// <summary>What is kept is kept of it.</summary>
    public bool IsMeasured => IsUnchanged || Run is null;

    /// <summary>
    /// Nodes that have another shape than the parent's, and that somebody reads as whole sequences: no row of them can be the parent's.
    /// </summary>
    public IReadOnlySet<string> Whole { get; init; } = ImmutableHashSet<string>.Empty;

    public bool IsWhole(ModelNode node) => Whole.Contains(node.Name);

    public Definition DefinitionOf(ModelNode node) => Definitions.GetValueOrDefault(node.Name, node.Definition);
}
