using System.Collections.Immutable;
using Interventions.Sites;

namespace Interventions.Graphs;

public sealed partial record InterventionGraph
{
    /// <summary>Encoder–decoders that stand in the model, in textual order.</summary>
    public ImmutableArray<SpliceNode> Splices { get; init; } = [];

    /// <summary>This graph with a splice, after its writes so far. Called by generated code.</summary>
    /// <param name="name">The property.</param>
    /// <param name="site">The path of what is replaced.</param>
    /// <param name="splice">The encoder–decoder, the same for every layer.</param>
    /// <param name="reads">The path of what is encoded; <see langword="null"/> for what is replaced.</param>
    /// <param name="errorTerm">Whether the changed run keeps the error term.</param>
    /// <param name="detachError">Whether gradients hold the error term constant.</param>
    /// <param name="features">How many features the declaration says.</param>
    /// <exception cref="InterventionException">The property is null.</exception>
    public InterventionGraph Splice(
        string name, string site, ISplice splice, string? reads = null, bool errorTerm = true, bool detachError = false, int? features = null) =>
        Splice(name, site, [splice], reads, errorTerm, detachError, features);

    /// <summary>This graph with a splice for each layer, after its writes so far. Called by generated code.</summary>
    /// <param name="name">The property.</param>
    /// <param name="site">The path of what is replaced.</param>
    /// <param name="splices">The encoder–decoders, one for each layer in the order of the path.</param>
    /// <param name="reads">The path of what is encoded; <see langword="null"/> for what is replaced.</param>
    /// <param name="errorTerm">Whether the changed run keeps the error term.</param>
    /// <param name="detachError">Whether gradients hold the error term constant.</param>
    /// <param name="features">How many features the declaration says.</param>
    /// <exception cref="InterventionException">The property, or an item of it, is null.</exception>
    public InterventionGraph Splice(
        string name, string site, IReadOnlyList<ISplice> splices, string? reads = null, bool errorTerm = true, bool detachError = false, int? features = null)
    {
        if (splices is null || splices.Contains(null))
            throw new InterventionException($"{Name}.{name} is null; a splice needs its encoder–decoder.");
        SpliceNode node = new(name, site, [.. splices], reads, detachError, features, Writes.Length);
        InterventionGraph spliced = this with { Splices = Splices.Add(node) };
        return errorTerm ? spliced : spliced.Then(BuiltInWrites.Zero(node.Names.Inner(site, SplicedSites.Error)) with { Name = name });
    }
}
