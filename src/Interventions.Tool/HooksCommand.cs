using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Interventions.Models.Decoder;
using Interventions.Runtime;
using Interventions.Sites;
using Interventions.Tables;

namespace Interventions.Tool;

/// <summary><c>interventions hooks</c>: a model's sites, from its configuration alone.</summary>
internal static class HooksCommand
{
    private const string Port = "port";

    /// <summary>Lists sites.</summary>
    /// <param name="model">The checkpoint.</param>
    /// <param name="pattern">Which sites; <see langword="null"/> for all.</param>
    /// <param name="config">A configuration instead of the checkpoint.</param>
    /// <exception cref="CheckpointException">There is no such model, or its family is not supported.</exception>
    /// <exception cref="ToolException">Not one of model and configuration is given, or no site has that pattern.</exception>
    public static ToolAnswer Answer(string? model, string? pattern, string? config)
    {
        // After --config there is no MODEL, so the first argument is the pattern.
        if (config is not null && pattern is null)
            (model, pattern) = (null, model);
        if (model is null == config is null)
            throw new ToolException(
                model is null ? "Give a MODEL, or a configuration with --config FILE." : "Give either a MODEL or --config FILE, not both.");
        DecoderDescription decoder = config is null
            ? DecoderDescription.Read(LocalModel.Of(model!)) with { Path = model! }
            : DecoderDescription.OfConfig(config);
        ModelSchema schema = decoder.Schema with { Model = decoder.Family.Title };
        PlacedSite[] sites = [.. Sites(schema, pattern)];
        if (sites.Length == 0)
            throw new ToolException(WhyNone(pattern!, schema));
        return new ToolAnswer(() => Text(decoder, schema, sites), () => Json(decoder, schema, sites));
    }

    /// <summary>A site at one place: in a layer, or beside all of them.</summary>
    private sealed record PlacedSite(SiteDefinition Site, int? Layer)
    {
        public string Name => Layer is { } layer
            ? Site.Path.Replace(SiteMatcher.Layer, layer.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
            : Site.Path;
    }

    private static IEnumerable<PlacedSite> Sites(ModelSchema schema, string? pattern)
    {
        Regex? wanted = pattern is null ? null : Glob(pattern);
        foreach (SiteDefinition site in schema.Sites)
        {
            bool isInBlocks = site.Path.Contains(SiteMatcher.Layer, StringComparison.Ordinal);
            int count = schema.SizeOf("layer") ?? 0;
            IEnumerable<int?> layers = isInBlocks ? Enumerable.Range(0, count).Select(layer => (int?)layer) : [null];
            foreach (PlacedSite placed in layers.Select(layer => new PlacedSite(site, layer)))
                if (wanted?.IsMatch(placed.Name) != false)
                    yield return placed;
        }
    }

    /// <summary>Any text at <c>*</c>, and also at a placeholder; a range of layers as in a site path.</summary>
    private static Regex Glob(string pattern)
    {
        string escaped = Regex.Escape(Regex.Replace(pattern, @"\{[^}]*\}", "*")).Replace(@"\*", ".*", StringComparison.Ordinal);
        string ranged = Regex.Replace(escaped, @"\\\[(\d+)\\\.\\\.(\d+)]", match =>
        {
            (int first, int last) = (Number(match.Groups[1]), Number(match.Groups[2]));
            return $"({string.Join('|', Enumerable.Range(first, Math.Clamp(last - first + 1, 0, 1000)))})";
        });
        return new Regex($"^{ranged}$", RegexOptions.CultureInvariant);

        static int Number(Group digits) =>
            int.TryParse(digits.Value, CultureInfo.InvariantCulture, out int number) ? number : int.MaxValue / 2;
    }

    /// <summary>What the compiler would say of the pattern, where it is a path; else what there is.</summary>
    private static string WhyNone(string pattern, ModelSchema schema)
    {
        bool isPath = !pattern.Replace("blocks.*.", "", StringComparison.Ordinal).Contains('*', StringComparison.Ordinal);
        if (isPath && SitePath.TryParse(pattern, out SitePath? path, out _)
            && SiteResolver.Resolve(path, schema, null).Problems is { Count: > 0 } problems)
            return $"No site is like '{pattern}': {problems[0].Message}";
        IEnumerable<string> begins = schema.Sites.Select(site => site.Path.Split('.')).Where(parts => parts.Length > 2)
            .Select(parts => parts[2]).Distinct();
        return $"No site is like '{pattern}': in blocks.[0..{(schema.SizeOf("layer") ?? 1) - 1}] of this {schema.Model} they begin with "
            + Spelling.List([.. begins]);
    }

    private static string Text(DecoderDescription decoder, ModelSchema schema, PlacedSite[] sites)
    {
        StringBuilder text = new(Heading(decoder));
        TextTable table = new(new("site"), new("axes"), new(""));
        IReadOnlyList<Folded<PlacedSite>> lines = Folding.Fold(sites, site => site.Name, site => site.Site.Axes);
        foreach (Folded<PlacedSite> line in lines)
            table.Add(line.Name, Shape(schema, line.First.Site), IsPort(line.First.Site) ? Port : "");
        text.Append('\n').Append(table.Print());
        if (lines.Any(line => IsPort(line.First.Site)))
            text.Append('\n').Append(ShortText.Line("port: one reader's view of the residual stream; a write reaches it alone"));
        return text.ToString();
    }

    /// <summary>What a decoder is, in a few lines.</summary>
    public static string Heading(DecoderDescription decoder) =>
        ShortText.Line(Title(decoder))
        + ShortText.Line(
            $"{ShortText.Number(decoder.Parameters)} parameters, {ShortText.Bytes(4.0 * decoder.Parameters)} in float32; at most "
            + $"{decoder.Config.ContextLength} tokens")
        + (decoder.Unexplained.Count == 0 ? "" : ShortText.Line($"keys that nobody reads: {string.Join(", ", decoder.Unexplained)}"));

    private static string Title(DecoderDescription decoder)
    {
        DecoderConfig config = decoder.Config;
        string heads = config.KvHeads == config.Heads ? "" : $", {TextTable.Count(config.KvHeads, "key/value head")}";
        string experts = config.Experts is { } mixture ? $", {mixture.Count} experts" : "";
        return $"{decoder.Family.Title}: {TextTable.Count(config.Layers, "layer")}, "
            + $"{TextTable.Count(config.Heads, "head")} of {config.DHead}{heads}, d_model {config.DModel}, "
            + $"{config.Neurons} neurons{experts}, {config.VocabularySize} tokens";
    }

    /// <summary>The axes, with their lengths where the model says them.</summary>
    private static string Shape(ModelSchema schema, SiteDefinition site) => string.Join(
        ", ", site.Axes.Select(axis => axis == "one" ? "1" : schema.SizeOf(site, axis) is { } size ? $"{axis} {size}" : axis));

    private static bool IsPort(SiteDefinition site) =>
        site.Path.EndsWith("_in", StringComparison.Ordinal) || site.Path.EndsWith("_input", StringComparison.Ordinal);

    private static JsonObject Json(DecoderDescription decoder, ModelSchema schema, PlacedSite[] sites) => new()
    {
        ["model"] = decoder.Path,
        ["family"] = decoder.Family.ModelType,
        ["parameters"] = decoder.Parameters,
        ["contextLength"] = decoder.Config.ContextLength,
        ["axes"] = ToolAnswer.Object(schema.Axes, axis => (axis.Axis, axis.Size)),
        ["sites"] = ToolAnswer.List(sites.GroupBy(site => site.Site), group => new JsonObject
        {
            ["path"] = group.Key.Path,
            ["axes"] = ToolAnswer.List(group.Key.Axes, axis => axis),
            ["shape"] = ToolAnswer.List(group.Key.Axes, axis => axis == "one" ? 1 : schema.SizeOf(group.Key, axis)),
            ["layers"] = group.First().Layer is null ? null : ToolAnswer.List(group, site => site.Layer),
            ["port"] = IsPort(group.Key),
            ["beside"] = group.Key.Beside,
            ["wholeNumbers"] = group.Key.WholeNumbers,
        }),
        ["absent"] = ToolAnswer.List(schema.Absent, site => new JsonObject { ["path"] = site.Path, ["reason"] = site.Reason }),
        ["unexplained"] = ToolAnswer.List(decoder.Unexplained, key => key),
    };
}
