using System.Collections.Generic;
using System.Linq;
using Interventions.Runtime;

namespace Interventions.Sites;

/// <summary>
/// The sites inside splices: <c>original</c>, <c>features</c>, <c>reconstruction</c> and <c>error</c>, below the spliced site and the property's name in
/// snake case: <c>blocks.4.resid_post.sae.features</c>.
/// </summary>
internal static class SplicedSites
{
    /// <summary>The axis of features.</summary>
    public const string Feature = "feature";

    /// <summary>The value that the model computed, which the splice replaces.</summary>
    public const string Original = "original";

    /// <summary>What is encoded, and can be edited: <c>[batch, pos, feature]</c>.</summary>
    public const string Features = "features";

    /// <summary>What is decoded from the features.</summary>
    public const string Reconstruction = "reconstruction";

    /// <summary>What the unedited features' reconstruction lacks of the original.</summary>
    public const string Error = "error";

    /// <summary>The schema with the sites of splices. A splice that is in error has none.</summary>
    public static ModelSchema With(this ModelSchema schema, IEnumerable<SpliceResolution> splices)
    {
        List<SiteDefinition>? sites = null;
        foreach (SpliceResolution splice in splices)
            if (splice is { Problem: null, Site: { } site })
                foreach (SiteDefinition inner in Inside(splice, site))
                    Put(sites ??= [.. schema.Sites], inner);
        return sites is null ? schema : schema with { Sites = sites.ToEquatableArray() };
    }

    private static IEnumerable<SiteDefinition> Inside(SpliceResolution splice, SiteDefinition site)
    {
        foreach (string name in new[] { Original, Features, Reconstruction, Error })
        {
            bool isFeatures = name == Features;
            yield return new SiteDefinition(splice.Names.Inner(site.Path, name), isFeatures ? EquatableArray.Of("batch", "pos", Feature) : site.Axes)
            {
                Splice = splice.Names.Property,
                Layers = splice.Layers.OrderBy(layer => layer).ToEquatableArray(),
                Sizes = isFeatures && splice.Names.Features is { } size ? EquatableArray.Of(new AxisSize(Feature, size)) : default,
            };
        }
    }

    /// <summary>One property may be spliced into a site by several attributes: the site then has the layers of all of them.</summary>
    private static void Put(List<SiteDefinition> sites, SiteDefinition inner)
    {
        int known = sites.FindIndex(site => site.Path == inner.Path);
        if (known < 0)
            sites.Add(inner);
        else
            sites[known] = inner with
            {
                Layers = sites[known].Layers.Concat(inner.Layers).Distinct().OrderBy(layer => layer).ToEquatableArray(),
                Sizes = sites[known].Sizes == inner.Sizes ? inner.Sizes : default,
            };
    }
}
