using Interventions.Models.Checkpoints;

namespace Interventions.Models.Hub;

/// <summary>Which of a model's files on the hub are needed.</summary>
internal static class ModelFiles
{
    public const string Config = "config.json", Tokenizer = "tokenizer.json";

    private static readonly string[] s_beside =
    [
        Config, "generation_config.json", Tokenizer, "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja",
    ];

    /// <summary>The files of a tokenizer that has no <c>tokenizer.json</c>.</summary>
    private static readonly string[] s_old = ["vocab.json", "merges.txt"];

    /// <summary>What is needed beside the weights.</summary>
    /// <param name="id">The model.</param>
    /// <param name="all">All files that it has.</param>
    public static IEnumerable<string> Beside(HubId id, IReadOnlyCollection<string> all)
    {
        if (Path.GetExtension(id.File) == GgufFile.Extension)
            return [];
        return (all.Contains(Tokenizer) ? s_beside : s_beside.Concat(s_old)).Where(all.Contains);
    }

    /// <summary>What is looked for and not there, so that it is not looked for again.</summary>
    public static IEnumerable<string> Absent(IReadOnlyCollection<string> all) => s_beside.Where(name => !all.Contains(name));

    /// <summary>The file of weights, or the index of its shards.</summary>
    /// <exception cref="CheckpointException">There is none; the message names what there is.</exception>
    public static string Weights(HubId id, IReadOnlyCollection<string> all)
    {
        if (id.File is { } file)
        {
            return all.Contains(file) ? file : throw new CheckpointException($"{id}",
                $"is not there: '{id.Repository}' has no file '{file}' at revision '{id.Revision}'{HubRefusals.Meant(file, all)}");
        }
        string? usual = all.Contains(Config) ? TensorFolder.FileNames.FirstOrDefault(all.Contains) : null;
        return usual ?? throw new CheckpointException($"{id}",
            $"has no {(all.Contains(Config) ? TensorFolder.SingleFile : Config)}{Others(id, all)}");
    }

    /// <summary>The shards that an index names.</summary>
    /// <exception cref="CheckpointException">It is malformed.</exception>
    public static IEnumerable<string> Shards(string index)
    {
        ConfigFile json = ConfigFile.Read(index);
        return [.. TensorFolder.Shards(json).Select(pair => pair.Shard).Distinct(StringComparer.Ordinal)];
    }

    private static string Others(HubId id, IReadOnlyCollection<string> all)
    {
        string[] weights =
            [.. all.Where(name => HubId.TryParse($"{id.Repository}/{name}")?.File is not null).Order(StringComparer.Ordinal)];
        if (weights.Length == 0)
            return ": it is no model whose weights can be read.";
        string names = string.Join(", ", weights.Take(8)) + (weights.Length > 8 ? ", …" : "");
        return $"; name one of its files, such as '{id}/{weights[0]}': {names}.";
    }
}
