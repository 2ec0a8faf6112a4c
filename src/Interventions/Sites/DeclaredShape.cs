using System.Collections.Generic;
using System.Linq;

namespace Interventions.Sites;

/// <summary>Compares a declared shape, a list of axes, with the axes of the value or tensor that it describes.</summary>
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

    /// <summary>
    /// What is wrong with the shape of a value that broadcasts to these axes, aligned at the last one; <see langword="null"/> if nothing.
    /// </summary>
    /// <param name="shape">The declared shape.</param>
    /// <param name="axes">The axes of the site.</param>
    /// <param name="site">The site's path, for the message.</param>
    public static string? NotBroadcast(IReadOnlyList<string> shape, IReadOnlyList<string> axes, string site) =>
        shape.Count <= axes.Count
        && Enumerable.Range(1, shape.Count).All(i => shape[shape.Count - i] == Repeated || shape[shape.Count - i] == axes[axes.Count - i])
            ? null
            : $"{List(shape)} does not broadcast to '{site}', which has {List(axes)}{Slip(shape, axes)}";

    /// <summary>The first axis that a model does not have; <see langword="null"/> if it has all.</summary>
    /// <param name="shape">The declared shape.</param>
    /// <param name="schema">The model's names.</param>
    public static string? Unknown(IReadOnlyList<string> shape, ModelSchema schema)
    {
        List<string> known = [.. schema.Sites.SelectMany(site => site.Axes).Concat(schema.Axes.Select(axis => axis.Axis)).Distinct()];
        if (shape.FirstOrDefault(axis => axis != Repeated && !known.Contains(axis)) is not { } unknown)
            return null;
        string? nearest = Spelling.Nearest(unknown, known);
        string hint = nearest is null ? $"its axes are {Spelling.List(known)}" : $"did you mean '{nearest}'?";
        return $"{schema.Model} has no axis '{unknown}'; {hint}";
    }

    /// <summary>A shape as it is written in messages: <c>[batch, pos, d_model]</c>.</summary>
    public static string List(IEnumerable<string> axes) => $"[{string.Join(", ", axes)}]";

    private static string Slip(IReadOnlyList<string> shape, IReadOnlyList<string> axes) =>
        shape.FirstOrDefault(axis => axis != Repeated && !axes.Contains(axis)) is { } unknown
        && Spelling.Nearest(unknown, axes) is { } nearest
            ? $"; did you mean '{nearest}'?"
            : "";
}

/// <summary>Which axes a mask may have.</summary>
/// <remarks>Linked into the generators, so that editor and run say the same.</remarks>
internal static class MaskAxes
{
    /// <summary>The axis that counts the layers which a path names at once.</summary>
    public const string Layer = "layer";

    /// <summary>The first axis that is wrong, and what is wrong with it; null when none is.</summary>
    /// <param name="axes">The mask's axes.</param>
    /// <param name="site">The site that is mixed.</param>
    /// <param name="isStacked">Whether the path names several layers at once.</param>
    /// <param name="path">The path, for the message.</param>
    public static (int Index, string Message, string? Suggestion)? Problem(
        IReadOnlyList<string> axes, SiteDefinition site, bool isStacked, string path)
    {
        // A mask is shared by the prompts, so it has no batch.
        List<string> known = [.. isStacked ? [Layer] : Enumerable.Empty<string>(), .. site.Axes.Skip(1)];
        for (int i = 0; i < axes.Count; i++)
        {
            int place = known.IndexOf(axes[i]);
            if (place < 0)
            {
                string why = axes[i] == Layer ? ", since the path names one layer at a time" : $"; its axes are {Spelling.List(known)}";
                return (i, $"a mask for '{path}' has no axis '{axes[i]}'{why}", Spelling.Nearest(axes[i], known));
            }
            if (i > 0 && place <= known.IndexOf(axes[i - 1]))
                return (i, $"the axes of a mask for '{path}' stand in the order {Spelling.List(known)}, each once", null);
        }
        return null;
    }
}
