using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Interventions.Models;
using Interventions.Models.Checkpoints;
using Interventions.Models.Decoder;
using Interventions.Tables;

namespace Interventions.Tool;

/// <summary>What is in the JSON files of a checkpoint: its configuration, its tokenizer, the index of its shards.</summary>
internal static class InspectedJson
{
    /// <summary>Describes a file.</summary>
    /// <exception cref="CheckpointException">It is malformed, or of no kind that is known.</exception>
    public static ToolAnswer Answer(string path)
    {
        ConfigFile json = ConfigFile.Read(path);
        return json.Has("weight_map") ? Index(path, json)
            : json.Has("model_type") ? Config(path)
            : json.Has("model") && json.Section("model") is { } model && (model.Has("vocab") || model.Has("type")) ? Tokenizer(path, json)
            : throw new CheckpointException(path, "is JSON, but no config.json, no tokenizer.json and no index of shards.");
    }

    private static ToolAnswer Config(string path)
    {
        DecoderDescription decoder = DecoderDescription.OfConfig(path);
        string type = decoder.Family.ClassOf(decoder.Config).Split('.')[^1];
        return new(
            () => HooksCommand.Heading(decoder) + ShortText.Line($"class to derive from: {type}"),
            () => new JsonObject
            {
                ["file"] = path,
                ["kind"] = "config",
                ["family"] = decoder.Family.ModelType,
                ["class"] = type,
                ["parameters"] = decoder.Parameters,
                ["contextLength"] = decoder.Config.ContextLength,
                ["axes"] = ToolAnswer.Object(DecoderSchema.Axes(decoder.Config), axis => (axis.Axis, axis.Size)),
                ["unexplained"] = ToolAnswer.List(decoder.Unexplained, key => key),
            });
    }

    private static ToolAnswer Index(string path, ConfigFile json)
    {
        (string File, int Count)[] shards =
        [
            .. json.Section("weight_map")!.Properties.GroupBy(pair => pair.Value.ToString(), StringComparer.Ordinal)
                .Select(group => (group.Key, group.Count())).OrderBy(shard => shard.Key, StringComparer.Ordinal),
        ];
        return new(
            () =>
            {
                TextTable table = new(new("shard"), new("tensors", IsNumber: true));
                foreach ((string file, int count) in shards)
                    table.Add(file, count.ToString(CultureInfo.InvariantCulture));
                return $"index of shards\n\n{table.Print()}";
            },
            () => new JsonObject
            {
                ["file"] = path,
                ["kind"] = "index",
                ["shards"] = ToolAnswer.List(shards, shard => new JsonObject { ["file"] = shard.File, ["tensors"] = shard.Count }),
            });
    }

    private static ToolAnswer Tokenizer(string path, ConfigFile json)
    {
        HuggingFaceTokenizer tokenizer = HuggingFaceTokenizer.Load(path);
        string model = json.Section("model") is { } section && section.Has("type") ? section.Text("type") : "BPE";
        (string Name, string? Value)[] parts =
            [.. ((string[])["normalizer", "pre_tokenizer", "post_processor", "decoder"]).Select(name => (name, Kind(json, name)))];
        (string Name, int? Id)[] special =
            [("bos", tokenizer.BosId), ("eos", tokenizer.EosId), ("pad", tokenizer.PadId), ("unknown", tokenizer.UnknownId)];
        return new(
            () =>
            {
                TextTable table = new(new(""), new(""));
                foreach ((string name, string? value) in parts)
                    table.Add(name, value ?? "none");
                foreach ((string name, int? id) in special)
                    if (id is { } known)
                        table.Add(name, string.Create(CultureInfo.InvariantCulture, $"{known} {tokenizer.IdToToken(known)}"));
                return $"tokenizer: {model}, {TextTable.Count(tokenizer.VocabularySize, "token")}, "
                    + $"{tokenizer.SpecialTokens.Count} of them special\n\n{table.Print()}";
            },
            () =>
            {
                JsonObject answer = new() { ["file"] = path, ["kind"] = "tokenizer", ["model"] = model };
                foreach ((string name, string? value) in parts)
                    answer[name] = value;
                answer["tokens"] = tokenizer.VocabularySize;
                answer["special"] = ToolAnswer.Object(
                    tokenizer.SpecialTokens.OrderBy(token => token.Value), token => (token.Key, token.Value));
                foreach ((string name, int? id) in special)
                    answer[name] = id;
                return answer;
            });
    }

    /// <summary>The type of a component; of a sequence, the types of its parts.</summary>
    private static string? Kind(ConfigFile json, string name) =>
        json.Properties.FirstOrDefault(property => property.Name == name).Value is { ValueKind: JsonValueKind.Object } component
            ? Kind(component)
            : null;

    private static string Kind(JsonElement component)
    {
        string type = component.TryGetProperty("type", out JsonElement value) ? value.ToString() : "?";
        JsonElement parts = component.EnumerateObject()
            .FirstOrDefault(property => property.Name is "pretokenizers" or "normalizers" or "processors" or "decoders").Value;
        return type == "Sequence" && parts.ValueKind == JsonValueKind.Array ? string.Join(", ", parts.EnumerateArray().Select(Kind)) : type;
    }
}
