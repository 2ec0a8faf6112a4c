using System.Collections.Generic;
using System.Linq;

namespace Interventions.Sites;

/// <summary>What a mask's axes may be.</summary>
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
    public static (int Index, string Message, string? Suggestion)? Problem(IReadOnlyList<string> axes, SiteDefinition site, bool isStacked, string path)
    {
        // A mask is shared by the prompts.
        List<string> known = [.. isStacked ? [Layer] : Enumerable.Empty<string>(), .. site.Axes.Skip(1)];
        for (int i = 0; i < axes.Count; i++)
        {
            int place = known.IndexOf(axes[i]);
            if (place < 0)
                return (i, axes[i] == Layer
                    ? $"a mask for '{path}' has no axis 'layer', since the path names one layer at a time"
                    : $"a mask for '{path}' has no axis '{axes[i]}'; its axes are {Spelling.List(known)}", Spelling.Nearest(axes[i], known));
            if (i > 0 && place <= known.IndexOf(axes[i - 1]))
                return (i, $"the axes of a mask for '{path}' stand in the order {Spelling.List(known)}, each once", null);
        }
        return null;
    }
}
