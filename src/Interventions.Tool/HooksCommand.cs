using System.Text;
using System.Text.Json.Nodes;
using Interventions.Models.Decoder;
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
        SitePattern wanted = new(pattern ?? "*");
        Listing listing = new(decoder, schema, wanted.In(schema), wanted.Selectors, config is null ? null : PlainRun.Of(decoder.Config));
        return new ToolAnswer(() => Text(listing), () => Json(listing));
    }

    /// <summary>What is listed.</summary>
    /// <param name="Decoder">The model.</param>
    /// <param name="Schema">Its names.</param>
    /// <param name="Sites">Its sites.</param>
    /// <param name="Selectors">What is selected of each, as it was written.</param>
    /// <param name="Cost">What a run of it needs; <see langword="null"/> of a checkpoint.</param>
    private sealed record Listing(
        DecoderDescription Decoder, ModelSchema Schema, PlacedSite[] Sites, string Selectors, PlainRun? Cost);

    private static string Text(Listing listing)
    {
        (DecoderDescription decoder, ModelSchema schema, PlacedSite[] sites, string selectors, PlainRun? cost) = listing;
        StringBuilder text = new(Heading(decoder) + (cost is null ? "" : ShortText.Line(cost.Sentence)));
        TextTable table = new(new("site"), new("axes"), new(""));
        IReadOnlyList<Folded<PlacedSite>> lines = Folding.Fold(sites, site => site.Name, site => site.Site.Axes);
        // A path is shown whole; what stands behind all of them, and is too long for that, once.
        int beside = lines.Any(line => IsPort(line.First.Site)) ? Port.Length + 4 : 2;
        int widest = lines.Max(line => line.Name.Length) + selectors.Length + lines.Max(line => Shape(schema, line.First).Length);
        bool areWhole = selectors.Length == 0 || widest + beside <= TextTable.Width;
        if (!areWhole)
            text.Append(ShortText.Line($"with {selectors} behind each site:"));
        foreach (Folded<PlacedSite> line in lines)
            table.Add(areWhole ? line.Name + selectors : line.Name, Shape(schema, line.First), IsPort(line.First.Site) ? Port : "");
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
    private static string Shape(ModelSchema schema, PlacedSite placed) => string.Join(
        ", ", placed.Site.Axes.Select(axis => axis == "one" ? "1" : placed.SizeOf(axis, schema) is { } size ? $"{axis} {size}" : axis));

    private static bool IsPort(SiteDefinition site) =>
        site.Path.EndsWith("_in", StringComparison.Ordinal) || site.Path.EndsWith("_input", StringComparison.Ordinal);

    private static JsonObject Json(Listing listing) => new()
    {
        ["model"] = listing.Decoder.Path,
        ["family"] = listing.Decoder.Family.ModelType,
        ["parameters"] = listing.Decoder.Parameters,
        ["contextLength"] = listing.Decoder.Config.ContextLength,
        ["plainRun"] = listing.Cost?.Json(),
        ["axes"] = ToolAnswer.Object(listing.Schema.Axes, axis => (axis.Axis, axis.Size)),
        ["sites"] = ToolAnswer.List(listing.Sites.GroupBy(site => site.Site), group => new JsonObject
        {
            ["path"] = group.Key.Path + listing.Selectors,
            ["axes"] = ToolAnswer.List(group.Key.Axes, axis => axis),
            ["shape"] = ToolAnswer.List(group.Key.Axes, axis => group.First().SizeOf(axis, listing.Schema)),
            ["layers"] = group.First().Layer is null ? null : ToolAnswer.List(group, site => site.Layer),
            ["port"] = IsPort(group.Key),
            ["beside"] = group.Key.Beside,
            ["wholeNumbers"] = group.Key.WholeNumbers,
        }),
        ["absent"] = ToolAnswer.List(listing.Schema.Absent, site => new JsonObject { ["path"] = site.Path, ["reason"] = site.Reason }),
        ["unexplained"] = ToolAnswer.List(listing.Decoder.Unexplained, key => key),
    };
}
