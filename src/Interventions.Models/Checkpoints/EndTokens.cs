using System.Text.Json;
using Interventions.Files;

namespace Interventions.Models.Checkpoints;

/// <summary>The tokens that a checkpoint calls the end of a text. Chat models have several: the end of a turn is one.</summary>
internal static class EndTokens
{
    private const string Key = "eos_token_id", GenerationConfig = "generation_config.json";

    private static readonly string[] s_gguf =
        ["tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"];

    /// <summary>Those of a folder in the Hugging Face layout.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="config">The model's configuration.</param>
    /// <exception cref="CheckpointException">A file calls something an end that is no token id, or is malformed.</exception>
    public static IReadOnlyList<long> InFiles(string folder, ConfigFile config)
    {
        string generation = Path.Combine(folder, GenerationConfig);
        return [.. (File.Exists(generation) ? Of(ConfigFile.Read(generation)) : []).Concat(Of(config)).Distinct()];
    }

    /// <summary>Those of a GGUF file.</summary>
    public static IReadOnlyList<long> InGguf(GgufHeader header) =>
    [
        .. s_gguf.Select(key => header.Values.GetValueOrDefault(key)).OfType<long>().Distinct(),
    ];

    /// <summary>Writes them into a configuration; nothing where there are none.</summary>
    public static void Write(IReadOnlyList<long> ends, Utf8JsonWriter json)
    {
        if (ends.Count == 0)
            return;
        json.WriteStartArray(Key);
        foreach (long end in ends)
            json.WriteNumberValue(end);
        json.WriteEndArray();
    }

    private static IEnumerable<long> Of(ConfigFile file) => file.Properties.Where(property => property.NameEquals(Key))
        .SelectMany(property => property.Value.ValueKind == JsonValueKind.Array
            ? property.Value.EnumerateArray() : Enumerable.Repeat(property.Value, 1))
        .Where(value => value.ValueKind != JsonValueKind.Null)
        .Select(value => value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long id) ? id : throw file.Wrong(
            Key, $"must be a token id, or a list of them, and is {FileText.Shown(value.GetRawText())}"));
}
