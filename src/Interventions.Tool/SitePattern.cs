using System.Globalization;
using System.Text.RegularExpressions;
using Interventions.Runtime;
using Interventions.Sites;

namespace Interventions.Tool;

/// <summary>A site at one place: in a layer, or beside all of them; and what is selected of it.</summary>
/// <param name="Site">The site.</param>
/// <param name="Layer">The layer; <see langword="null"/> beside all of them.</param>
/// <param name="Axes">The selections.</param>
internal sealed record PlacedSite(SiteDefinition Site, int? Layer, EquatableArray<AxisSelection> Axes)
{
    /// <summary>Its path, without selectors.</summary>
    public string Name => Layer is { } layer ? SiteExpansion.Concrete(Site, layer) : Site.Path;

    /// <summary>How many entries an axis has; <see langword="null"/> where the prompts decide.</summary>
    public int? SizeOf(string axis, ModelSchema schema)
    {
        int? size = axis == "one" ? 1 : schema.SizeOf(Site, axis);
        if (Axes.LastOrDefault(selected => selected.Axis == axis)?.Selection is not { } selection)
            return size;
        if (selection.IsSweep)
            return 1;
        if (size is { } known)
            return SiteExpansion.Indices(selection, known).Count;
        bool isOpen = selection.Except || selection.Items.Count == 0
            || selection.Items.Any(item => SiteExpansion.SpansTheLength(item) || NewTokens.IsReserved(item.Name ?? ""));
        return isOpen ? null : selection.Items.Sum(item => item.Last - item.First + 1);
    }
}

/// <summary>
/// Which sites <c>hooks</c> lists: a name with <c>*</c> for any text, and selectors behind it, as in a path: <c>*.attn.z[head=3]</c>.
/// </summary>
internal sealed partial class SitePattern
{
    private readonly string _text, _name;
    private readonly Regex _glob;

    /// <summary>Reads a pattern.</summary>
    public SitePattern(string text)
    {
        _text = text;
        // Brackets behind a dot are layers, and belong to the name.
        Match parts = Parts().Match(text);
        (_name, Selectors) = (parts.Groups[1].Value, parts.Groups[2].Value);
        _glob = Glob(_name);
    }

    /// <summary>The selectors with their brackets, or nothing.</summary>
    public string Selectors { get; }

    /// <summary>The sites of a model that it fits, at each place.</summary>
    /// <exception cref="ToolException">There is none; the message says why.</exception>
    public PlacedSite[] In(ModelSchema schema)
    {
        // A range up to a layer that the model lacks is refused as the compiler refuses it, not cut.
        int layers = schema.SizeOf("layer") ?? 1;
        if (LastLayer().Match(_name) is { Success: true } last
            && int.TryParse(last.Groups[1].Value, CultureInfo.InvariantCulture, out int layer) && layer >= layers)
            throw None(SiteResolver.OutOfRange("layer", layer, _name, schema.Model, layers));
        PlacedSite[] named = [.. OfPath(schema) ?? All(schema).Where(site => _glob.IsMatch(site.Name))];
        if (named.Length == 0)
            throw None(WhyNone(schema));
        if (Selectors.Length == 0)
            return named;
        SiteProblem? first = null;
        List<PlacedSite> selected = [];
        foreach (PlacedSite site in named)
        {
            (SiteResolution? found, EquatableArray<SiteProblem> problems) =
                SiteResolver.Resolve(site.Name + Selectors, schema, prompts: null);
            if (problems.Count == 0)
                selected.Add(site with { Axes = found!.Axes });
            else
                first ??= problems[0];
        }
        return selected.Count > 0 ? [.. selected] : throw None(first!.Message);
    }

    private ToolException None(string why) => new($"No site is like '{_text}': {why}");

    /// <summary>The sites that the name is a path of; <see langword="null"/> where it is none of a site of the model.</summary>
    private IEnumerable<PlacedSite>? OfPath(ModelSchema schema)
    {
        if (SitePath.OrNull(_name) is not { } path || SiteResolver.Resolve(path, schema, prompts: null) is not { IsSuccess: true } found)
            return null;
        SiteDefinition site = found.Site!;
        return found.Layer is not { } layers ? [new PlacedSite(site, null, default)]
            : SiteExpansion.Layers(site, layers, schema.SizeOf("layer") ?? 0).Order().Select(layer => new PlacedSite(site, layer, default));
    }

    /// <summary>All sites of a model, at each place.</summary>
    private static IEnumerable<PlacedSite> All(ModelSchema schema)
    {
        foreach (SiteDefinition site in schema.Sites)
        {
            bool isInBlocks = site.Path.Contains(SiteMatcher.Layer, StringComparison.Ordinal);
            IEnumerable<int?> layers =
                isInBlocks ? Enumerable.Range(0, schema.SizeOf("layer") ?? 0).Select(layer => (int?)layer) : [null];
            foreach (int? layer in layers)
                yield return new PlacedSite(site, layer, default);
        }
    }

    /// <summary>Any text at <c>*</c>, and also at a placeholder; a range of layers as in a site path.</summary>
    private static Regex Glob(string pattern)
    {
        string escaped = Regex.Escape(Placeholder().Replace(pattern, "*")).Replace(@"\*", ".*", StringComparison.Ordinal);
        string ranged = EscapedRange().Replace(escaped, match =>
        {
            (int first, int last) = (Number(match.Groups[1]), Number(match.Groups[2]));
            return $"({string.Join('|', Enumerable.Range(first, Math.Clamp(last - first + 1, 0, 1000)))})";
        });
        return new Regex($"^{ranged}$", RegexOptions.CultureInvariant);

        static int Number(Group digits) =>
            int.TryParse(digits.Value, CultureInfo.InvariantCulture, out int number) ? number : int.MaxValue / 2;
    }

    /// <summary>What the compiler would say of the pattern, where it is a path; else what there is.</summary>
    private string WhyNone(ModelSchema schema)
    {
        bool isPath = !_name.Replace("blocks.*.", "", StringComparison.Ordinal).Contains('*', StringComparison.Ordinal);
        if (isPath && SiteResolver.Resolve(_name, schema, prompts: null).Problems is { Count: > 0 } problems)
            return problems[0].Message;
        IEnumerable<string> begins = schema.Sites.Select(site => site.Path.Split('.')).Where(parts => parts.Length > 2)
            .Select(parts => parts[2]).Distinct();
        return $"in blocks.[0..{(schema.SizeOf("layer") ?? 1) - 1}] of this {schema.Model} they begin with {Spelling.List([.. begins])}";
    }

    [GeneratedRegex(@"^(.*?)((?<=[^.])\[[^\]]*\])?$", RegexOptions.Singleline)]
    private static partial Regex Parts();

    [GeneratedRegex(@"^blocks\.\[?(?:\d+\.\.)?(\d+)]?\.")]
    private static partial Regex LastLayer();

    [GeneratedRegex(@"\{[^}]*\}")]
    private static partial Regex Placeholder();

    [GeneratedRegex(@"\\\[(\d+)\\\.\\\.(\d+)]")]
    private static partial Regex EscapedRange();
}
