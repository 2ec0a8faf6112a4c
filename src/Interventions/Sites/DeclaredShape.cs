using System.Collections.Generic;
using System.Linq;

namespace Interventions.Sites;

/// <summary>Compares a declared shape, a list of axes, with what it is the shape of.</summary>
internal static class DeclaredShape
{
    /// <summary>An axis of length 1, which is repeated.</summary>
    public const string Repeated = "1";

    /// <summary>What is wrong with the shape of a value that has these axes; <see langword="null"/> if nothing.</summary>
    /// <param name="shape">The declared shape.</param>
    /// <param name="axes">The value's axes.</param>
    /// <param name="what">What it is, for the message.</param>
    public static string? NotExactly(IReadOnlyList<string> shape, IReadOnlyList<string> axes, string what) =>
        shape.SequenceEqual(axes) ? null : $"{what} has shape {List(axes)}, not {List(shape)}{Slip(shape, axes)}";

    /// <summary>What is wrong with the shape of a value that broadcasts to these axes, aligned at the last one; <see langword="null"/> if nothing.</summary>
    /// <param name="shape">The declared shape.</param>
    /// <param name="axes">The axes of the site.</param>
    /// <param name="site">The site's path, for the message.</param>
    public static string? NotBroadcast(IReadOnlyList<string> shape, IReadOnlyList<string> axes, string site) =>
        shape.Count <= axes.Count && Enumerable.Range(1, shape.Count).All(i => shape[shape.Count - i] == Repeated || shape[shape.Count - i] == axes[axes.Count - i])
            ? null
            : $"{List(shape)} does not broadcast to '{site}', which has {List(axes)}{Slip(shape, axes)}";

    /// <summary>The first axis that a model does not have; <see langword="null"/> if it has all.</summary>
    /// <param name="shape">The declared shape.</param>
    /// <param name="schema">The model's names.</param>
    public static string? Unknown(IReadOnlyList<string> shape, ModelSchema schema)
    {
        List<string> known = [.. schema.Sites.SelectMany(site => site.Axes).Concat(schema.Axes.Select(axis => axis.Axis)).Distinct()];
        return shape.FirstOrDefault(axis => axis != Repeated && !known.Contains(axis)) is { } unknown
            ? $"{schema.Model} has no axis '{unknown}'{(Spelling.Nearest(unknown, known) is { } nearest ? $"; did you mean '{nearest}'?" : $"; its axes are {Spelling.List(known)}")}"
            : null;
    }

    /// <summary>A shape as it is written in messages: <c>[batch, pos, d_model]</c>.</summary>
    public static string List(IEnumerable<string> axes) => $"[{string.Join(", ", axes)}]";

    private static string Slip(IReadOnlyList<string> shape, IReadOnlyList<string> axes) =>
        shape.FirstOrDefault(axis => axis != Repeated && !axes.Contains(axis)) is { } unknown && Spelling.Nearest(unknown, axes) is { } nearest
            ? $"; did you mean '{nearest}'?"
            : "";
}
