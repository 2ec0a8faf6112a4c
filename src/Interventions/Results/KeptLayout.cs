using System.Collections.Immutable;
using System.Globalization;

namespace Interventions.Results;

/// <summary>A value kept under a name.</summary>
/// <param name="Name">The name.</param>
/// <param name="Layers">The layers that the value stacks along an axis before that of prompts; empty where it stacks none.</param>
/// <param name="IsSwept">
/// Whether the point of the sweep decides which site is kept, so that unchanged runs have the sweep's axes too.
/// </param>
/// <param name="IsMasked">Whether it has a mask.</param>
/// <param name="Axes">The axes behind that of prompts.</param>
internal sealed record KeptLayout(string Name, ImmutableArray<int> Layers, bool IsSwept, bool IsMasked, ImmutableArray<KeptAxis> Axes)
{
    /// <summary>Whether it has an axis of layers before the axis of prompts.</summary>
    public bool IsStacked => !Layers.IsEmpty;

    /// <summary>
    /// The layout of several batches. A longer batch has more positions, and tells axes apart that are equally long in a shorter one.
    /// </summary>
    public static KeptLayout Join(IReadOnlyList<KeptLayout> batches) => batches[0] with
    {
        IsMasked = batches.Any(batch => batch.IsMasked),
        Axes = [.. batches[0].Axes.Select((_, axis) => batches.Select(batch => batch.Axes[axis])
            .MaxBy(one => (one.IsNamed ? int.MaxValue / 2 : 0) + one.Labels.Length)!)],
    };
}

/// <summary>An axis of a kept value, behind that of prompts.</summary>
/// <param name="Name">The site's axis that it is; <c>axis1</c> and so on by its place where no axis of the site surely is it.</param>
/// <param name="Labels">
/// What stands along it: indices, names of positions, or placeholders in braces, which are where the sweep stands. Empty for 0, 1, 2, …
/// </param>
internal sealed record KeptAxis(string Name, ImmutableArray<string> Labels)
{
    private const string Unnamed = "axis";

    /// <summary>Whether it is one of the site's.</summary>
    public bool IsNamed => !Name.StartsWith(Unnamed, StringComparison.Ordinal);

    /// <summary>An axis of which only the place is known, counted from 1.</summary>
    public static KeptAxis OfPlace(int place) => new(FormattableString.Invariant($"{Unnamed}{place}"), []);
}

/// <summary>One prompt: its tokens in every run of the prompt set.</summary>
internal sealed record PromptLayout(ImmutableArray<RunLayout> Runs);

/// <summary>One prompt in one run.</summary>
/// <param name="Tokens">The tokens' texts; without a tokenizer their ids, as <c>#12</c>.</param>
/// <param name="Positions">The token indices of the named positions.</param>
internal sealed record RunLayout(ImmutableArray<string> Tokens, ImmutableArray<int> Positions);

/// <summary>A prompt's tokens, and where positions are among them.</summary>
/// <param name="Run">The prompt in a run.</param>
/// <param name="Names">The names of positions.</param>
internal sealed record PromptPlaces(RunLayout Run, ImmutableArray<string> Names)
{
    /// <summary>
    /// The token index of a position as a path or a label says it: an index, a name, a name with an offset. <see langword="null"/> where
    /// the prompt has no such token.
    /// </summary>
    public int? TokenAt(string position)
    {
        int at = position.LastIndexOfAny(['+', '-']);
        int known = Names.IndexOf(position);
        int? token =
            known >= 0 ? Run.Positions[known]
            : int.TryParse(position, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int index)
                ? index < 0 ? index + Run.Tokens.Length : index
            : at > 0 && Names.IndexOf(position[..at]) is var name and >= 0
                && int.TryParse(position.AsSpan(at), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int offset)
                ? Run.Positions[name] + offset
            : null;
        return token >= 0 && token < Run.Tokens.Length ? token : null;
    }
}
