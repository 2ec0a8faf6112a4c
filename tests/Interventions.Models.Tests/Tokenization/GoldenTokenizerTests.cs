using System.Collections;
using System.Text.Json;

namespace Interventions.Models.Tests.Tokenization;

/// <summary>Compares with recorded results of the reference implementation, for every tokenizer in the shared data.</summary>
public sealed class GoldenTokenizerTests
{
    private const string Root = "reference/tokenizers";

    private static readonly string[] s_texts = ["cases.jsonl", "random.jsonl"];

    public static TheoryData<string> Folders => [.. SharedData.Folders(Root).Select(folder => Path.GetFileName(folder))];

    [SharedTheory(Root)]
    [MemberData(nameof(Folders))]
    public void Ids_are_the_recorded_ones(string folder) => ForEach(folder, s_texts, (tokenizer, row, check) =>
    {
        string text = row.GetProperty("text").GetString()!;
        check("ids", Ints(row, "ids"), tokenizer.Encode(text).Ids);
        check("ids of the base class", Ints(row, "ids"), tokenizer.EncodeToIds(text));
        if (row.TryGetProperty("ids_plain", out _))
            check("plain ids", Ints(row, "ids_plain"), tokenizer.Encode(text, addSpecialTokens: false).Ids);
        if (row.TryGetProperty("tokens", out JsonElement tokens))
            check("tokens", tokens.EnumerateArray().Select(token => token.GetString()), tokenizer.Encode(text).Tokens);
    });

    [SharedTheory(Root)]
    [MemberData(nameof(Folders))]
    public void Offsets_are_the_recorded_ones(string folder) => ForEach(folder, s_texts, (tokenizer, row, check) =>
    {
        EncodedText encoded = tokenizer.Encode(row.GetProperty("text").GetString()!);
        // After bytes without a token the reference implementation's offsets slip to the left within the word; ours stay.
        if (encoded.Missing.Count > 0)
            return;
        IEnumerable<Range> recorded = row.GetProperty("offsets_utf16").EnumerateArray()
            .Select(span => span[0].GetInt32()..span[1].GetInt32());
        check("offsets", recorded, encoded.Offsets);
    });

    [SharedTheory(Root)]
    [MemberData(nameof(Folders))]
    public void Decoded_text_is_the_recorded_one(string folder) => ForEach(folder, [.. s_texts, "decode.jsonl"], (tokenizer, row, check) =>
    {
        bool streamed = row.TryGetProperty("skip_special_tokens", out JsonElement skip);
        string text = tokenizer.Decode(Ints(row, "ids"), streamed && skip.GetBoolean());
        check("decoded", new[] { row.GetProperty("decoded").GetString() }, new[] { text });
        if (row.TryGetProperty("decoded_skip", out JsonElement skipped))
            check("skipped", new[] { skipped.GetString() }, new[] { tokenizer.Decode(Ints(row, "ids"), skipSpecialTokens: true) });
    });

    /// <summary>The reference ends a stream with an error where a run of bytes turns out wrong; ours goes on.</summary>
    [SharedTheory(Root)]
    [MemberData(nameof(Folders))]
    public void Streams_give_the_recorded_pieces(string folder) => ForEach(folder, ["decode.jsonl"], (tokenizer, row, check) =>
    {
        if (!row.TryGetProperty("pieces", out JsonElement pieces))
            return;
        DecodeStream stream = new(tokenizer, row.GetProperty("skip_special_tokens").GetBoolean());
        string[] expected = [.. pieces.EnumerateArray().Select(piece => piece.GetString() ?? "")];
        string[] actual = [.. Ints(row, "ids").Select(stream.Add)];
        check("pieces", expected, actual.Take(expected.Length));
        string text = row.GetProperty("text").GetString()!, decoded = row.GetProperty("decoded").GetString()!;
        if (decoded.StartsWith(text, StringComparison.Ordinal))
            check("text", new[] { decoded }, new[] { string.Concat(actual) + stream.Finish() });
    });

    [SharedTheory(Root)]
    [MemberData(nameof(Folders))]
    public void No_recorded_file_is_left_out(string folder)
    {
        string[] read =
        [
            "tokenizer.json", "vocab.json", "merges.txt", "tokenizer_config.json", "chat_template.jinja", "chat.jsonl", "decode.jsonl",
            .. s_texts,
        ];
        Assert.Empty(Directory.GetFiles(SharedData.Path($"{Root}/{folder}")).Select(file => Path.GetFileName(file)).Except(read));
    }

    [SharedTheory(Root)]
    [MemberData(nameof(Folders))]
    public void Chats_are_encoded_as_recorded(string folder) => ForEach(folder, ["chat.jsonl"], (tokenizer, row, check) =>
        check("ids", Ints(row, "ids"), tokenizer.Encode(row.GetProperty("text").GetString()!).Ids));

    [SharedTheory(Root)]
    [MemberData(nameof(Folders))]
    public void Older_files_of_a_vocabulary_and_merges_give_the_same_ids(string folder)
    {
        string path = SharedData.Path($"{Root}/{folder}");
        if (!File.Exists(Path.Combine(path, "vocab.json")))
            return;    // most folders have tokenizer.json alone
        using TokenizerFolder older = new();
        foreach (string name in (string[])["vocab.json", "merges.txt"])
            File.Copy(Path.Combine(path, name), Path.Combine(older.FullPath, name));
        HuggingFaceTokenizer tokenizer = HuggingFaceTokenizer.Load(older.FullPath);
        foreach (JsonElement row in Rows(Path.Combine(path, "cases.jsonl")))
            Assert.Equal(Ints(row, "ids"), tokenizer.Encode(row.GetProperty("text").GetString()!).Ids);
    }

    [SharedFact("reference/stories260K/tokens.json")]
    public void A_model_folder_gives_the_ids_its_reference_was_made_with()
    {
        HuggingFaceTokenizer tokenizer = HuggingFaceTokenizer.Load(SharedData.Path("models/stories260K"));
        Assert.Equal((1, 2, 0), (tokenizer.BosId, tokenizer.EosId, tokenizer.UnknownId));
        using JsonDocument prompts = JsonDocument.Parse(File.ReadAllBytes(SharedData.Path("reference/stories260K/tokens.json")));
        foreach (JsonElement prompt in prompts.RootElement.EnumerateArray())
        {
            string text = prompt.GetProperty("text").GetString()!;
            Assert.Equal(Ints(prompt, "ids"), tokenizer.Encode(text).Ids);
            Assert.Equal(text, tokenizer.Decode(Ints(prompt, "ids"), skipSpecialTokens: true));
        }
    }

    private delegate void Compare(string what, IEnumerable expected, IEnumerable actual);

    /// <summary>Runs a comparison on every row and reports how many rows differ, with the first few.</summary>
    private static void ForEach(string folder, string[] files, Action<HuggingFaceTokenizer, JsonElement, Compare> compare)
    {
        string path = SharedData.Path($"{Root}/{folder}");
        HuggingFaceTokenizer tokenizer = HuggingFaceTokenizer.Load(path);
        List<string> wrong = [];
        foreach (string file in files.Select(file => Path.Combine(path, file)).Where(File.Exists))
        {
            foreach (JsonElement row in Rows(file))
            {
                compare(tokenizer, row, (what, expected, actual) =>
                {
                    string want = string.Join(' ', expected.Cast<object?>()), got = string.Join(' ', actual.Cast<object?>());
                    if (want != got)
                        wrong.Add($"{row.GetProperty("id").GetString()}: {what}\n  want {want}\n  got  {got}");
                });
            }
        }
        Assert.True(wrong.Count == 0, $"{folder}: {wrong.Count} differences\n{string.Join('\n', wrong.Take(5))}");
    }

    private static IEnumerable<JsonElement> Rows(string file) =>
        File.ReadAllText(file).Split('\n').Where(line => line.Length > 0).Select(line => JsonElement.Parse(line));

    private static int[] Ints(JsonElement row, string name) => [.. row.GetProperty(name).EnumerateArray().Select(id => id.GetInt32())];
}
