using System.Collections.Immutable;
using Interventions.Sites;

namespace Interventions.Runtime;

/// <summary>An encoder–decoder in the model, see <see cref="SpliceAttribute"/>.</summary>
/// <param name="Name">The property.</param>
/// <param name="Site">The path of what is replaced.</param>
/// <param name="Splices">One for all layers, or one for each, in the order of the path.</param>
/// <param name="Reads">The path of what is encoded; <see langword="null"/> for what is replaced.</param>
/// <param name="DetachError">Whether gradients hold the error term constant.</param>
/// <param name="Features">How many features the declaration says; <see langword="null"/> where it does not.</param>
/// <param name="WritesBefore">How many of the graph's writes stand before it in the text: they change what is encoded.</param>
public sealed record SpliceNode(
    string Name, string Site, ImmutableArray<ISplice> Splices, string? Reads = null, bool DetachError = false, int? Features = null, int WritesBefore = 0)
{
    /// <summary>Its names, with the number of features that the splices themselves have where the declaration says none.</summary>
    internal SpliceNames Names => new(Name, Site, Reads, Features ?? (Splices.Select(splice => splice.Features).Distinct().ToArray() is [int same] ? same : null));
}
