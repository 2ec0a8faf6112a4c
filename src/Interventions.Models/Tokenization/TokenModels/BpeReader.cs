using System.Text.Json;
using Interventions.Runtime;

namespace Interventions.Models.Tokenization;

/// <summary>Reads byte-pair encodings, from <c>tokenizer.json</c> or from the older <c>vocab.json</c> and <c>merges.txt</c>.</summary>
internal static class BpeReader
{
    public static BpeModel Read(JsonField field)
    {
        if (field.Optional("dropout") is { } dropout && dropout.Number() != 0)
            throw dropout.Invalid("merges that are dropped at random are not supported: the same text would give other ids each time");
        foreach (string name in (string[])["continuing_subword_prefix", "end_of_word_suffix"])
            if (field.Optional(name) is { } affix && affix.String().Length > 0) throw affix.Unsupported("BPE option", name);

        var vocabulary = field.Required("vocab").Vocabulary();
        string? unknown = null;
        if (field.Optional("unk_token") is { } unk && !vocabulary.ContainsKey(unknown = unk.String()))
            throw unk.Invalid($"'{unknown}' is not in the vocabulary");
        return new BpeModel(vocabulary, Merges(field.Required("merges"), vocabulary), new BpeOptions(
            unknown,
            field.Optional("fuse_unk")?.Bool() ?? false,
            field.Optional("byte_fallback")?.Bool() ?? false,
            field.Optional("ignore_merges")?.Bool() ?? false));
    }

    /// <summary>The merges of a <c>merges.txt</c>: one a line, after a line that begins with <c>#version</c>.</summary>
    public static BpeMerges ReadText(string path, IReadOnlyDictionary<string, int> vocabulary)
    {
        var merges = new BpeMerges();
        int number = 0, rank = 0;
        foreach (string line in File.ReadAllText(path).Split('\n'))
        {
            number++;
            string merge = line.TrimEnd('\r');
            if (merge.Length == 0 || merge.StartsWith("#version", StringComparison.Ordinal)) continue;
            if (Add(merges, merge.Split(' '), vocabulary, rank++) is { } reason)
                throw new InvalidDataException($"{path}: line {number}: {reason}");
        }
        return merges;
    }

    private static BpeMerges Merges(JsonField field, IReadOnlyDictionary<string, int> vocabulary)
    {
        var merges = new BpeMerges();
        int rank = 0;
        JsonValueKind? form = null;    // older files write "a b", newer ones ["a", "b"]; none mixes them
        foreach (var merge in field.Items())
        {
            form ??= merge.Kind;
            if (merge.Kind != form) throw merge.Invalid("strings and pairs are mixed");
            string[] parts = merge.Kind == JsonValueKind.String
                ? merge.String().Split(' ')
                : [.. merge.Items().Select(part => part.String())];
            if (Add(merges, parts, vocabulary, rank++) is { } reason) throw merge.Invalid(reason);
        }
        return merges;
    }

    private static string? Add(BpeMerges merges, string[] parts, IReadOnlyDictionary<string, int> vocabulary, int rank)
    {
        if (parts.Length != 2) return $"a merge has two parts, not {parts.Length}";
        if (!vocabulary.TryGetValue(parts[0], out int left)) return $"'{parts[0]}' is not in the vocabulary";
        if (!vocabulary.TryGetValue(parts[1], out int right)) return $"'{parts[1]}' is not in the vocabulary";
        string whole = parts[0] + parts[1];
        if (!vocabulary.TryGetValue(whole, out int merged)) return $"'{whole}', which the merge gives, is not in the vocabulary";
        merges.Add(left, right, merged, rank);
        return null;
    }
}
