namespace Interventions.Testing.Fuzzing;

/// <summary>Small files <c>tokenizer.json</c> that have every component between them.</summary>
internal static class FuzzTokenizers
{
    private const string Added = """
        "added_tokens": [{"id": 20, "content": "<x>", "single_word": false, "lstrip": true, "rstrip": false, "normalized": true, "special": true}]
        """;

    public static readonly IReadOnlyList<string> Seeds =
    [
        $$$$"""
        {"version": "1.0", "truncation": null, "padding": null, {{{{Added}}}},
         "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Lowercase"}, {"type": "StripAccents"},
           {"type": "Replace", "pattern": {"Regex": "\\s+"}, "content": " "}]},
         "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
           {"type": "Split", "pattern": {"Regex": "'s|\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)"}, "behavior": "Isolated", "invert": false},
           {"type": "Digits", "individual_digits": true},
           {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false}]},
         "post_processor": {"type": "Sequence", "processors": [{"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": false},
           {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<x>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [], "special_tokens": {"<x>": {"id": "<x>", "ids": [20], "tokens": ["<x>"]}}}]},
         "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
         "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null, "end_of_word_suffix": null,
           "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
           "vocab": {"a": 0, "b": 1, "Ġ": 2, "ab": 3, "Ġa": 4, "1": 5, "Ã": 6, "©": 7}, "merges": ["a b", "Ġ a"]}}
        """,
        $$$$"""
        {"version": "1.0", {{{{Added}}}}, "normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"},
           {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}, {"type": "NFKD"}, {"type": "Strip", "strip_left": true, "strip_right": false}]},
         "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": true}, "post_processor": null,
         "decoder": {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"},
           {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
         "model": {"type": "BPE", "unk_token": "<unk>", "fuse_unk": true, "byte_fallback": true,
           "vocab": {"<unk>": 0, "<0x41>": 1, "<0xC3>": 2, "<0xA9>": 3, "▁": 4, "a": 5, "b": 6, "ab": 7, "▁ab": 8}, "merges": [["a", "b"], ["▁", "ab"]]}}
        """,
        $$$$"""
        {"version": "1.0", {{{{Added}}}}, "normalizer": {"type": "NFKC"}, "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "add_prefix_space": true},
         "decoder": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always"},
         "model": {"type": "Unigram", "unk_id": 0, "byte_fallback": false, "vocab": [["<unk>", 0.0], ["▁", -2.5], ["a", -1], ["ab", -1.5], ["▁a", -3.25]]}}
        """,
        $$$$"""
        {"version": "1.0", {{{{Added}}}}, "normalizer": {"type": "NFD"}, "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"},
           {"type": "Punctuation", "behavior": "MergedWithPrevious"}, {"type": "Whitespace"}]},
         "model": {"type": "WordLevel", "unk_token": "?", "vocab": {"?": 0, "a": 1, "ab": 2, "a1": 3}}}
        """,
    ];
}
