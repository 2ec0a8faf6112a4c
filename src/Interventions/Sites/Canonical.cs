using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Security.Cryptography;
using System.Text;
using Interventions.Sites;

namespace Interventions;

public sealed partial record ModelSchema
{
    /// <summary>The version of the canonical text's format.</summary>
    public const int FormatVersion = 1;

    /// <summary>Version, axes and sites as sorted lines: the order of the declarations and the model's name do not matter, and what a declaration splices in is not the model's.</summary>
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

    /// <summary>The length of a site's axis; <see langword="null"/> where nobody says it.</summary>
    public int? SizeOf(SiteDefinition site, string axis)
    {
        foreach (AxisSize own in site.Sizes)
            if (own.Axis == axis)
                return own.Size;
        return site.Splice is not null && axis == SplicedSites.Feature ? null : SizeOf(axis);
    }
}

public sealed partial record PromptVocabulary
{
    /// <summary>The version of the canonical text's format.</summary>
    public const int FormatVersion = 1;

    /// <summary>Version, runs, positions and answers as lines. Their order is kept: it is the order of the data.</summary>
    public string CanonicalText => Canonical.Text(
        FormatVersion,
        Runs.Select(run => "run " + run).Concat(Positions.Select(position => "position " + position)).Concat(Answers.Select(answer => "answer " + answer)));

    /// <summary>The first 16 hexadecimal digits of the canonical text's SHA-256.</summary>
    public string Fingerprint => Canonical.Fingerprint(CanonicalText);
}

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
