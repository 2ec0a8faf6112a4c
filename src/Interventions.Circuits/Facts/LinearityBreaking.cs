using System.Collections.Immutable;
using Interventions.ModelGraphs;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits;

/// <summary>Prompts for <see cref="LinearityBreaking"/>, by their numbers in a set.</summary>
/// <param name="First">A name, such as Michael Jordan.</param>
/// <param name="Second">Another name, such as Babe Ruth.</param>
/// <param name="FirstSwapped">The first one's beginning with the second one's end: Michael Ruth.</param>
/// <param name="SecondSwapped">The second one's beginning with the first one's end: Babe Jordan.</param>
/// <param name="FirstOther">A name that has nothing to do with them.</param>
/// <param name="SecondOther">Another one.</param>
public readonly record struct SwappedNames(
    int First, int Second, int FirstSwapped, int SecondSwapped, int FirstOther, int SecondOther);

/// <summary>
/// Whether a value is a sum of what its parts bring (Nanda et al. 2023, fact finding): then two names, and the same two with their ends
/// exchanged, have one midpoint. The distance of both midpoints, over that of the first one from the midpoint of two other names, is 0 of a
/// sum; near 1 the parts together are looked up.
/// </summary>
public static class LinearityBreaking
{
    /// <summary>The ratio of distances, ‖mid(A, B) − mid(C, D)‖ / ‖mid(A, B) − mid(C′, D′)‖.</summary>
    /// <param name="first">Values of names, <c>[…, width]</c>.</param>
    /// <param name="second">Those of other names.</param>
    /// <param name="firstSwapped">Those of the first names with the second ones' ends.</param>
    /// <param name="secondSwapped">Those of the second names with the first ones' ends.</param>
    /// <param name="firstOther">Those of names that have nothing to do with them.</param>
    /// <param name="secondOther">Those of others.</param>
    /// <returns><c>[…]</c>; the caller owns it. Not a number where all midpoints are one.</returns>
    public static Tensor Of(
        Tensor first, Tensor second, Tensor firstSwapped, Tensor secondSwapped, Tensor firstOther, Tensor secondOther)
    {
        ArgumentNullException.ThrowIfNull(first);
        using DisposeScope scope = NewDisposeScope();
        Tensor middle = first.plus(second);
        return Distance(middle.sub(firstSwapped.plus(secondSwapped))).div(Distance(middle.sub(firstOther.plus(secondOther))))
            .MoveToOuterDisposeScope();

        // Twice the distance of midpoints; both are, so that their ratio is that of these.
        static Tensor Distance(Tensor difference) => difference.squared().sum([-1L]).sqrt();
    }

    /// <summary>The ratio at a site, of several sixes of prompts.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">The prompts, of which the first run counts.</param>
    /// <param name="site">A path of one position, such as <c>blocks.3.mlp_out[pos=last]</c>.</param>
    /// <param name="names">Which prompts go together.</param>
    /// <param name="options">How to run.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <exception cref="ArgumentException">A prompt is not there.</exception>
    /// <exception cref="InterventionException">The path names several layers or positions, or no site of the model.</exception>
    public static ImmutableArray<double> Of(
        HookedModel model, IPromptSet prompts, string site, IReadOnlyList<SwappedNames> names, RunOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompts);
        ArgumentNullException.ThrowIfNull(names);
        Func<SwappedNames, int>[] parts =
        [
            name => name.First, name => name.Second, name => name.FirstSwapped, name => name.SecondSwapped, name => name.FirstOther,
            name => name.SecondOther,
        ];
        foreach (int prompt in names.SelectMany(name => parts.Select(part => part(name))))
            if (prompt < 0 || prompt >= prompts.Prompts.Count)
                throw new ArgumentException($"There is no prompt {prompt}: the set has {prompts.Prompts.Count}.", nameof(names));
        if (names.Count == 0)
            return [];
        using DisposeScope scope = NewDisposeScope();
        Tensor values = SiteValues.Of(model, prompts, site, options, cancellationToken).flatten(1).to(ScalarType.Float64);
        Tensor[] ofParts = [.. parts.Select(part => values.index_select(
            0, tensor(names.Select(name => (long)part(name)).ToArray(), device: values.device)))];
        return [.. Of(ofParts[0], ofParts[1], ofParts[2], ofParts[3], ofParts[4], ofParts[5]).Doubles()];
    }
}
