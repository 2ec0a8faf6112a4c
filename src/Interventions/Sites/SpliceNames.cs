using System;
using System.Collections.Generic;
using System.Text;
using Interventions.Runtime;

namespace Interventions.Sites;

/// <summary>A declared splice by its names.</summary>
/// <param name="Property">The property that holds it.</param>
/// <param name="Site">The path of what it replaces.</param>
/// <param name="Reads">The path of what it encodes; <see langword="null"/> for what it replaces.</param>
/// <param name="Features">How many features it has; <see langword="null"/> where it is not said.</param>
internal sealed record SpliceNames(string Property, string Site, string? Reads, int? Features)
{
    /// <summary>The property's name as a segment of a path: <c>ResidualSae</c> is <c>residual_sae</c>.</summary>
    public string Segment
    {
        get
        {
            var segment = new StringBuilder();
            for (int i = 0; i < Property.Length; i++)
            {
                bool isWord = char.IsUpper(Property[i]) && i > 0 && Property[i - 1] != '_' && (!char.IsUpper(Property[i - 1]) || IsBeforeWord(i + 1));
                segment.Append(isWord ? "_" : "").Append(char.ToLowerInvariant(Property[i]));
            }
            return segment.ToString();
        }
    }

    /// <summary>The last of a run of capitals starts a word (SAEOfMlp is sae_of_mlp), unless the run is a plural (SAEs).</summary>
    private bool IsBeforeWord(int next) =>
        next < Property.Length && char.IsLower(Property[next])
        && !(Property[next] == 's' && (next + 1 == Property.Length || !char.IsLower(Property[next + 1])));

    /// <summary>A site inside it: <c>blocks.4.resid_post.sae.features</c>.</summary>
    /// <param name="site">The spliced site: a template, a path or a node.</param>
    /// <param name="name">One of <see cref="SplicedSites"/>.</param>
    public string Inner(string site, string name) => $"{site}.{Segment}.{name}";

    /// <summary>Compares it with a model.</summary>
    public SpliceResolution Resolve(ModelSchema schema) => SpliceResolver.Resolve(this, schema);
}

/// <summary>A splice compared with a model.</summary>
/// <param name="Names">The splice.</param>
/// <param name="Site">The site that it replaces; <see langword="null"/> when there is none of that name.</param>
/// <param name="Layers">The layers whose site it replaces, in the order of the path; empty for a site without a layer.</param>
/// <param name="ReadSite">The site that it encodes, where it is another one.</param>
/// <param name="ReadLayers">For each layer the one whose site is encoded; empty for a site without a layer.</param>
/// <param name="Problem">What is wrong; <see langword="null"/> if nothing.</param>
internal sealed record SpliceResolution(
    SpliceNames Names, SiteDefinition? Site, EquatableArray<int> Layers, SiteDefinition? ReadSite, EquatableArray<int> ReadLayers, SpliceProblem? Problem)
{
    /// <summary>The nodes that are replaced, each with the node that is encoded.</summary>
    public IEnumerable<(string Node, string? Reads)> Nodes
    {
        get
        {
            if (Problem is not null || Site is null)
                yield break;
            for (int i = 0; i < Math.Max(1, Layers.Count); i++)
            {
                string node = At(Site, Layers, i), read = ReadSite is null ? node : At(ReadSite, ReadLayers, i);
                yield return (node, read == node ? null : read);
            }
        }
    }

    private static string At(SiteDefinition site, EquatableArray<int> layers, int i) => layers.Count == 0 ? site.Path : SiteExpansion.Concrete(site, layers[i]);
}

/// <summary>What is wrong with a splice.</summary>
/// <param name="Problem">What, and where in the text.</param>
/// <param name="IsOfReads">Whether the text is that of what is encoded.</param>
/// <param name="IsName">Whether a name of the model is wrong, which any path may have.</param>
internal sealed record SpliceProblem(SiteProblem Problem, bool IsOfReads, bool IsName);
