using System.Collections.Generic;
using Interventions.Runtime;

namespace Interventions.Sites;

/// <summary>A path compared with a model: the site and what is selected of it, or what is wrong.</summary>
/// <param name="Path">The path.</param>
/// <param name="Site">The site; <see langword="null"/> when there is none of that name.</param>
/// <param name="Layer">The selected layers; <see langword="null"/> when the site has no layer.</param>
/// <param name="Axes">The selected indices of axes, in the order of the path. An axis that is not listed is taken whole.</param>
/// <param name="Problems">What is wrong; empty on success.</param>
internal sealed record SiteResolution(
    SitePath Path, SiteDefinition? Site, Selection? Layer, EquatableArray<AxisSelection> Axes, EquatableArray<SiteProblem> Problems)
{
    /// <summary>Whether nothing is wrong.</summary>
    public bool IsSuccess => Problems.Count == 0;

    /// <summary>Every placeholder with the axis that it sweeps (<c>layer</c> for the layer), in the order of the path.</summary>
    public IEnumerable<AxisSelection> Sweeps
    {
        get
        {
            if (Layer is { IsSweep: true })
                yield return new AxisSelection("layer", Layer);
            foreach (AxisSelection axis in Axes)
                if (axis.Selection.IsSweep)
                    yield return axis;
        }
    }
}

/// <summary>The selected indices of an axis.</summary>
internal sealed record AxisSelection(string Axis, Selection Selection);
