using System.Text.Json.Nodes;
using Interventions.Runtime;

namespace Interventions.Models.Tests.Tokenization;

/// <summary>Malformed and odd files: each gives one clear error, or the recorded result.</summary>
public sealed class MalformedTokenizerTests
{
    private const string Errors = "reference/tokenizers/errors.json";

    /// <summary>Files that the reference implementation loads, but then misreads or reads by chance. We refuse them.</summary>
    private static readonly HashSet<string> s_stricter =
    [
        "added-id-wrong", "bpe-unk-not-in-vocab", "decoder-unknown", "dropout-set", "postproc-unknown", "template-id-length",
        "template-token-unlisted", "unk-not-in-vocab", "vocab-id-duplicate",
    ];

    public static TheoryData<string> Cases => SharedData.Exists(Errors) ? [.. Read().Select(item => (string)item["id"]!)] : [];

    [SharedTheory(Errors)]
    [MemberData(nameof(Cases))]
    public void A_malformed_file_is_refused_with_its_name_and_an_odd_one_is_read(string id)
    {
        JsonNode item = Read().Single(item => (string)item["id"]! == id);
        string json = Text(item);
        if (id != "bom" && (!(bool)item["hf_loads"]! || s_stricter.Contains(id)))
        {
            using TokenizerFolder folder = new TokenizerFolder().Write("tokenizer.json", json);
            Exception error = Assert.ThrowsAny<Exception>(() => HuggingFaceTokenizer.Load(folder.FullPath));
            Assert.True(error is InvalidDataException or NotSupportedException, error.ToString());
            Assert.StartsWith(Path.Combine(folder.FullPath, "tokenizer.json") + ": ", error.Message);
            return;
        }
        HuggingFaceTokenizer tokenizer = TokenizerFolder.Load(json);
        if (item["hf_probe"] is not { } probe || probe["ids"] is not JsonArray ids)
            return;
        EncodedText encoded = tokenizer.Encode((string)probe["text"]!);
        Assert.Equal(ids.Select(value => (int)value!), encoded.Ids);
        Assert.Equal((string)probe["decoded"]!, tokenizer.Decode(encoded.Ids));
    }

    [Fact]
    public void A_name_that_is_not_text_is_refused() => Assert.EndsWith(
        "model.vocab: a name that is not text",
        TokenizerFolder.Refused<InvalidDataException>("""{"model": {"type": "WordLevel", "unk_token": "a", "vocab": {"a": 0, "\ud800": 1} } }"""));

    /// <summary>A part of the text is cut out, and something else is put there.</summary>
    [Fact]
    public void A_damaged_file_is_refused_in_one_way_or_read_and_used()
    {
        string[] inserts =
            ["", "null", "true", "-1", "7", "99999999999", "3.5", "\"\"", "\"a\"", "\"(\"", "[]", "{}", "\\ud800", "\"type\": 1, ", "😀"];
        string[] texts = ["", "a b", "hello é 😀 ▁ [UNK] <0x41> 123 don't", new string('a', 300), "\0\u0301ﬁ"];
        Random random = new(5);
        foreach ((string name, string json) in ComponentFiles.All)
        {
            for (int i = 0; i < 5; i++)
            {
                int at = random.Next(Math.Min(json.Length, 1000)), end = Math.Min(json.Length, at + random.Next(8));
                string damaged = json[..at] + inserts[random.Next(inserts.Length)] + json[end..];
                try
                {
                    HuggingFaceTokenizer tokenizer = TokenizerFolder.Load(damaged);
                    Assert.All(texts, text => tokenizer.Decode(tokenizer.Encode(text).Ids));
                }
                catch (Exception error) when (error is not (InvalidDataException or NotSupportedException))
                {
                    Assert.Fail($"{name}, {damaged[..Math.Min(damaged.Length, 1100)]}: {error}");
                }
                catch (Exception error)
                {
                    Assert.Contains("tokenizer.json: ", error.Message);
                }
            }
        }
    }

    private static IEnumerable<JsonNode> Read() =>
        JsonNode.Parse(File.ReadAllText(SharedData.Path(Errors)))!.AsArray().Select(item => item!);

    private static string Text(JsonNode item)
    {
        if ((string?)item["base"] is not { } folder)
            return (string)item["raw"]!;
        string text = File.ReadAllText(SharedData.Path($"reference/tokenizers/{folder}/tokenizer.json"));
        if (item["patch"] is JsonArray patch)
        {
            JsonNode root = JsonNode.Parse(text)!;
            foreach (JsonNode? step in patch)
                Apply(root, step!);
            return root.ToJsonString();
        }
        JsonNode edit = item["text_edit"]!;
        if ((int?)edit["keep"] is { } keep)
            text = text[..keep];
        return (string?)edit["prepend"] + text + (string?)edit["append"];
    }

    /// <summary>One step of a JSON Patch.</summary>
    private static void Apply(JsonNode root, JsonNode step)
    {
        string[] path = [.. ((string)step["path"]!).Split('/').Skip(1).Select(part => part.Replace("~1", "/").Replace("~0", "~"))];
        JsonNode parent = path.SkipLast(1).Aggregate(root, (node, part) => node is JsonArray array ? array[int.Parse(part)]! : node[part]!);
        string operation = (string)step["op"]!, last = path[^1];
        JsonNode? value = step["value"]?.DeepClone();
        switch (parent, operation)
        {
            case (JsonArray array, "add"): array.Insert(int.Parse(last), value); break;
            case (JsonArray array, "replace"): array[int.Parse(last)] = value; break;
            case (JsonArray array, "remove"): array.RemoveAt(int.Parse(last)); break;
            case (JsonObject members, "remove"): Assert.True(members.Remove(last)); break;
            case (JsonObject members, "add" or "replace"): members[last] = value; break;
            default: throw new InvalidOperationException($"the patch step {step.ToJsonString()}");
        }
    }
}
