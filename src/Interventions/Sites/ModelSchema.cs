using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Security.Cryptography;
using System.Text;
using Interventions.Runtime;
using Interventions.Sites;

namespace Interventions;

/// <summary>What names a model has: its sites with their axes, and how long the countable axes are.</summary>
/// <param name="Model">The model type's name, for messages: <c>Gpt2Small</c>.</param>
/// <param name="Axes">
/// Sizes of the named axes: <c>layer</c>, <c>head</c>, <c>kv_head</c>, <c>d_head</c>, <c>d_model</c>, <c>neuron</c>, <c>vocab</c>.
/// </param>
/// <param name="Sites">
/// The sites in the order of computation, with <c>{layer}</c> where one exists a layer; then the sites inside splices.
/// </param>
public sealed record ModelSchema(string Model, EquatableArray<AxisSize> Axes, EquatableArray<SiteDefinition> Sites)
{
    /// <summary>Sites that one may look for and that the model has not. They are no part of the fingerprint.</summary>
    public EquatableArray<AbsentSite> Absent { get; init; }

    /// <summary>The version of the canonical text's format.</summary>
    public const int FormatVersion = 1;

    /// <summary>
    /// Version, axes and sites as sorted lines, so that neither the order of the declarations nor the model's name matters. Sites inside
    /// splices are left out: a declaration adds them.
    /// </summary>
    public string CanonicalText => Canonical.Text(
        FormatVersion,
        Axes.Select(axis => "axis " + axis.Axis + " " + axis.Size.ToString(CultureInfo.InvariantCulture))
            .Concat(Sites.Where(site => site.Splice is null).Select(site => "site " + site.Path + " " + string.Join(",", site.Axes)))
            .OrderBy(line => line, StringComparer.Ordinal));

    /// <summary>The first 16 hexadecimal digits of the canonical text's SHA-256.</summary>
    public string Fingerprint => Canonical.Fingerprint(CanonicalText);

    /// <summary>The length of an axis; <see langword="null"/> where the schema does not say it.</summary>
    public int? SizeOf(string axis)
    {
        foreach (AxisSize known in Axes)
            if (known.Axis == axis)
                return known.Size;
        return null;
    }

    /// <summary>The length of a site's axis; <see langword="null"/> where neither the site nor the schema says it.</summary>
    public int? SizeOf(SiteDefinition site, string axis)
    {
        foreach (AxisSize own in site.Sizes)
            if (own.Axis == axis)
                return own.Size;
        return site.Splice is not null && axis == SplicedSites.Feature ? null : SizeOf(axis);
    }
}

/// <summary>The length of a named axis.</summary>
public sealed record AxisSize(string Axis, int Size);

/// <summary>A site: a value of the forward pass that can be read and written.</summary>
/// <param name="Path">Dotted name, with <c>{layer}</c> for the layer: <c>blocks.{layer}.attn.z</c>.</param>
/// <param name="Axes">Its axes, outermost first: <c>batch</c>, <c>pos</c>, <c>head</c>, <c>d_head</c>.</param>
public sealed record SiteDefinition(string Path, EquatableArray<string> Axes)
{
    /// <summary>Whether it is computed in one step with the site before it: neither is computed from the other.</summary>
    public bool SameStep { get; init; }

    /// <summary>Whether the model computes its output without it, as long as no intervention writes it.</summary>
    public bool Beside { get; init; }

    /// <summary>Whether its values are whole numbers, int64: they have no gradient, and a write leaves whole numbers.</summary>
    public bool WholeNumbers { get; init; }

    /// <summary>The property of the declaration whose splice has the site; <see langword="null"/> for a site of the model itself.</summary>
    public string? Splice { get; init; }

    /// <summary>The layers that have it, ascending; none listed: every layer.</summary>
    public EquatableArray<int> Layers { get; init; }

    /// <summary>Lengths of axes that are its own, not the model's.</summary>
    public EquatableArray<AxisSize> Sizes { get; init; }
}

/// <summary>A site that a model has not, although models like it have one.</summary>
/// <param name="Path">The dotted name, with <c>{layer}</c> for the layer.</param>
/// <param name="Reason">Why not, as the second half of a sentence.</param>
public sealed record AbsentSite(string Path, string Reason);

/// <summary>The text that stands for a vocabulary, and its hash.</summary>
internal static class Canonical
{
    public static string Text(int version, IEnumerable<string> lines) =>
        "version " + version.ToString(CultureInfo.InvariantCulture) + "\n" + string.Concat(lines.Select(line => line + "\n"));

    public static string Fingerprint(string text)
    {
        using var sha = SHA256.Create();
        byte[] hash = sha.ComputeHash(Encoding.UTF8.GetBytes(text));
        return string.Concat(hash.Take(8).Select(b => b.ToString("x2", CultureInfo.InvariantCulture)));
    }
}
