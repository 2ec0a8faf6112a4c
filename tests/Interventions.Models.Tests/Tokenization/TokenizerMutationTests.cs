using System.Text;
using System.Text.Json.Nodes;
using Interventions.Testing.Fuzzing;

namespace Interventions.Models.Tests.Tokenization;

/// <summary>Damaged tokenizers: each is refused with the place in the file and the reason.</summary>
public sealed class TokenizerMutationTests
{
    /// <summary>Which of the small files, what is replaced in it, by what, and the refusal.</summary>
    public static TheoryData<int, string, string, string> Values => new()
    {
        { 0, "version", "\"2.0\"", "version: the format's version is '2.0'; only 1.0 is known" },
        { 0, "version", "1", "version: it is a number, not a string" },
        { 0, "colour", "1", "colour: the format has no such member" },
        { 0, "truncation", "{}", "truncation: 'max_length' is missing" },
        { 0, "truncation", "{\"max_length\": -1}", "truncation.max_length: -1 is not a token id" },
        { 0, "padding", "3", "padding: it is a number, not an object" },
        { 0, "added_tokens", "{}", "added_tokens: it is an object, not an array" },
        { 0, "added_tokens/0", "3", "added_tokens[0]: it is a number, not an object" },
        { 0, "added_tokens/0/id", "-1", "added_tokens[0].id: -1 is not a token id" },
        { 0, "added_tokens/0/id", "2147483648", "added_tokens[0].id: 2147483648 is not a token id" },
        { 0, "added_tokens/0/id", "\"20\"", "added_tokens[0].id: it is a string, not a number" },
        { 0, "added_tokens/0/id", "1", "added_tokens[0]: '<x>' has the id 1, which is that of 'b'" },
        { 0, "added_tokens/0/content", "null", "added_tokens[0]: 'content' is missing" },
        { 0, "added_tokens/0/content", "\"a\"", "added_tokens[0]: 'a' has the id 20 here and 0 in the vocabulary" },
        { 0, "added_tokens/0/content", "3", "added_tokens[0].content: it is a number, not a string" },
        { 0, "added_tokens/0/lstrip", "\"yes\"", "added_tokens[0].lstrip: it is a string, not true or false" },
        { 0, "added_tokens/0/special", "null", "added_tokens[0]: 'special' is missing" },
        { 0, "normalizer", "3", "normalizer: it is a number, not an object" },
        { 0, "normalizer/type", "\"Nmt\"", "normalizer: the normalizer 'Nmt' is not supported" },
        { 0, "normalizer/type", "null", "normalizer: 'type' is missing" },
        { 0, "normalizer/normalizers", "{}", "normalizer.normalizers: it is an object, not an array" },
        { 0, "normalizer/normalizers/3/pattern", "\"a\"", "normalizer.normalizers[3].pattern: it is a string, not an object" },
        { 0, "normalizer/normalizers/3/pattern", "{}",
            "normalizer.normalizers[3].pattern: a pattern is {\"String\": …} or {\"Regex\": …}" },
        { 0, "normalizer/normalizers/3/content", "3", "normalizer.normalizers[3].content: it is a number, not a string" },
        { 0, "normalizer/normalizers/3/pattern/Regex", "\"(\"", "normalizer.normalizers[3].pattern.Regex: the regular expression '(' is" },
        { 0, "normalizer/normalizers/3/pattern/Regex", "\"[a\"",
            "normalizer.normalizers[3].pattern.Regex: the regular expression '[a' holds a" },
        { 0, "normalizer/normalizers/3/pattern/Regex", "\"(?<a>b)\"",
            "normalizer.normalizers[3].pattern.Regex: the regular expression '(?<a>b)'" },
        { 0, "normalizer/normalizers/3/pattern/Regex", "\"\\\\p{Nope}\"",
            "normalizer.normalizers[3].pattern.Regex: the regular expression '\\p{Nope}' is" },
        { 0, "pre_tokenizer/type", "\"UnicodeScripts\"", "pre_tokenizer: the pre-tokenizer 'UnicodeScripts' is not supported" },
        { 0, "pre_tokenizer/pretokenizers/0/behavior", "\"Merged\"",
            "pre_tokenizer.pretokenizers[0].behavior: 'Merged' is not one of Removed," },
        { 0, "pre_tokenizer/pretokenizers/0/behavior", "\"0\"",
            "pre_tokenizer.pretokenizers[0].behavior: '0' is not one of Removed, Isolated," },
        { 0, "pre_tokenizer/pretokenizers/0/invert", "null", "pre_tokenizer.pretokenizers[0]: 'invert' is missing" },
        { 0, "pre_tokenizer/pretokenizers/0/pattern/Regex", "\"a{2,1}\"",
            "pre_tokenizer.pretokenizers[0].pattern.Regex: the regular expression 'a{2,1}'" },
        { 0, "pre_tokenizer/pretokenizers/1/individual_digits", "1",
            "pre_tokenizer.pretokenizers[1].individual_digits: it is a number, not true or" },
        { 0, "pre_tokenizer/pretokenizers/2/add_prefix_space", "null", "pre_tokenizer.pretokenizers[2]: 'add_prefix_space' is missing" },
        { 0, "post_processor/processors/0/trim_offsets", "3",
            "post_processor.processors[0].trim_offsets: it is a number, not true or false" },
        { 0, "post_processor/processors/1/single", "[]", "post_processor.processors[1].single: the text itself (Sequence A) is missing" },
        { 0, "post_processor/processors/1/single/0", "{}",
            "post_processor.processors[1].single[0]: neither a Sequence nor a SpecialToken" },
        { 0, "post_processor/processors/1/single/0/SpecialToken/id", "\"<y>\"",
            "post_processor.processors[1].single[0].SpecialToken.id: '<y>' is not among" },
        { 0, "post_processor/processors/1/single/1/Sequence/id", "\"B\"",
            "post_processor.processors[1].single[1].Sequence.id: 'B' is not the one text" },
        { 0, "post_processor/processors/1/special_tokens/<x>/ids", "[99]",
            "post_processor.processors[1].special_tokens.<x>.ids[0]: no token has the id 99" },
        { 0, "post_processor/processors/1/special_tokens/<x>/ids", "[20, 20]",
            "post_processor.processors[1].special_tokens.<x>: 2 ids for 1 tokens" },
        { 0, "decoder/type", "\"Nope\"", "decoder: the decoder 'Nope' is not supported" },
        { 0, "model", "null", "'model' is missing" },
        { 0, "model/type", "\"Nope\"", "model: the model 'Nope' is not supported" },
        { 0, "model/vocab", "[]", "model.vocab: it is an array, not an object" },
        { 0, "model/vocab/a", "1", "model.vocab: the tokens 'a' and 'b' have the same id 1" },
        { 0, "model/vocab/a", "-1", "model.vocab.a: -1 is not a token id" },
        { 0, "model/vocab/a", "0.5", "model.vocab.a: 0.5 is not a token id" },
        { 0, "model/merges", "{}", "model.merges: it is an object, not an array" },
        { 0, "model/merges", "[[\"a\", \"b\"], \"a b\"]", "model.merges[1]: strings and pairs are mixed" },
        { 0, "model/merges/0", "\"a\"", "model.merges[0]: a merge has two parts, not 1" },
        { 0, "model/merges/0", "\"a b c\"", "model.merges[0]: a merge has two parts, not 3" },
        { 0, "model/merges/0", "\"b a\"", "model.merges[0]: 'ba', which the merge gives, is not in the vocabulary" },
        { 0, "model/merges/0", "3", "model.merges[0]: it is a number, not an array" },
        { 0, "model/dropout", "0.5", "model.dropout: merges that are dropped at random are not supported: the same" },
        { 1, "normalizer/normalizers/0/prepend", "3", "normalizer.normalizers[0].prepend: it is a number, not a string" },
        { 1, "normalizer/normalizers/3/strip_left", "null", "normalizer.normalizers[3]: 'strip_left' is missing" },
        { 1, "pre_tokenizer/replacement", "\"ab\"", "pre_tokenizer.replacement: 'ab' is not one character" },
        { 1, "pre_tokenizer/replacement", "\"\"", "pre_tokenizer.replacement: '' is not one character" },
        { 1, "pre_tokenizer/prepend_scheme", "\"sometimes\"",
            "pre_tokenizer.prepend_scheme: 'sometimes' is not one of always, first, never" },
        { 1, "decoder/decoders/3/content", "\"ab\"", "decoder.decoders[3].content: 'ab' is not one character" },
        { 1, "decoder/decoders/3/start", "-1", "decoder.decoders[3].start: -1 is not a token id" },
        { 1, "model/unk_token", "\"nope\"", "model.unk_token: 'nope' is not in the vocabulary" },
        { 2, "model/unk_id", "5", "model.unk_id: 5 is outside the vocabulary of 5" },
        { 2, "model/unk_id", "-1", "model.unk_id: -1 is not a token id" },
        { 2, "model/vocab", "{}", "model.vocab: it is an object, not an array" },
        { 2, "model/vocab/1", "[\"a\"]", "model.vocab[1]: an entry is a token and its score" },
        { 2, "model/vocab/1", "[\"a\", \"b\"]", "model.vocab[1][1]: it is a string, not a number" },
        { 2, "model/vocab/1", "[\"ab\", -1]", "model.vocab[3]: 'ab' is there twice" },
        { 3, "model/unk_token", "null", "model: 'unk_token' is missing" },
        { 3, "model/unk_token", "\"nope\"", "model.unk_token: 'nope' is not in the vocabulary" },
        { 3, "pre_tokenizer/pretokenizers/1/behavior", "3", "pre_tokenizer.pretokenizers[1].behavior: it is a number, not a string" },
    };

    [Theory]
    [MemberData(nameof(Values))]
    public void A_value_that_cannot_be_is_refused_with_its_place(int file, string path, string value, string reason)
    {
        JsonNode root = JsonNode.Parse(FuzzTokenizers.Seeds[file])!;
        string[] steps = path.Split('/');
        JsonNode parent = steps.SkipLast(1).Aggregate(root, (node, step) => node is JsonArray list ? list[int.Parse(step)]! : node[step]!);
        if (parent is JsonArray items)
            items[int.Parse(steps[^1])] = JsonNode.Parse(value);
        else
            parent[steps[^1]] = JsonNode.Parse(value);
        Check(root.ToJsonString(), reason, $"{file} {path}|{value}");
    }

    [Theory]
    [InlineData("", "it is not JSON")]
    [InlineData("[]", "it holds an array, not an object")]
    [InlineData("null", "it holds null, not an object")]
    [InlineData("{", "it is not JSON")]
    [InlineData("{}", "'model' is missing")]
    [InlineData("{\"\\ud800\": 1}", "")]
    [InlineData("{\"model\": {\"type\": \"\\ud800\"}}", "")]
    [InlineData("{\"model\": {\"type\": \"BPE\", \"vocab\": {\"\\ud800\": 0}, \"merges\": []}}", "")]
    [InlineData("{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0, \"a\": 1}, \"merges\": []}}", "the token 'a' is there twice")]
    public void A_text_that_is_no_tokenizer_is_refused(string text, string reason) => Check(text, reason, text);

    private static void Check(string json, string reason, string what)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        Exception? error = Record.Exception(() => HuggingFaceTokenizer.Parse("file.json", Encoding.UTF8.GetBytes(json), "{}"u8.ToArray()));
        Assert.True(error is InvalidDataException or NotSupportedException, $"{error}");
        Assert.StartsWith("file.json: ", error.Message, StringComparison.Ordinal);
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
        Assert.InRange(error.Message.Length, 1, 1000);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4 << 20);
    }
}
