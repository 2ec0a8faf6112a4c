using System.Text.Encodings.Web;
using System.Text.Json;

namespace Interventions.Models.Tests.Tokenization;

/// <summary>
/// A <c>tokenizer.json</c> for each component that a file can name. The model tells what reached it: a character that begins a word and
/// one within it are different tokens.
/// </summary>
internal static class ComponentFiles
{
    private const string Unknown = "[UNK]";

    private static readonly JsonSerializerOptions s_readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly string[] s_characters =
    [
        .. RandomTexts.Characters.SelectMany(text => text.EnumerateRunes()).Select(rune => rune.ToString()),
        .. Enumerable.Range(0x21, 0x250).Select(code => ((char)code).ToString()),    // the byte alphabet among them
        "ᄒ", "ᅡ", "ᆫ", "ガ", "f", "i", "k", "g", "V", "I", "Å", "\u030A", "\u030C", "\u0303", "\u0308", "\u0300", "ω", "㎏",
    ];

    private static readonly string[] s_bytes = [.. Enumerable.Range(0, 256).Select(value => $"<0x{value:X2}>")];

    /// <summary>Each character, at the beginning of a word and within it.</summary>
    private static readonly string s_spelling = Model("WordPiece", new()
    {
        ["unk_token"] = Unknown,
        ["continuing_subword_prefix"] = "##",
        ["max_input_chars_per_word"] = 100,
        ["vocab"] = Numbered([Unknown, .. s_characters.Distinct(), .. s_characters.Distinct().Select(text => "##" + text)]),
    });

    private static readonly string s_precompiled = Charsmap.Write(new Dictionary<string, string>
    {
        ["ﬁ"] = "fi",
        ["①"] = "1",
        ["Ａ"] = "A",
        ["\u0007"] = "",
        ["\u3000"] = " ",
        ["\t"] = " ",
        ["é"] = "e",
        ["e\u0301"] = "é",
        ["ｶﾞ"] = "ガ",
        ["½"] = "1/2",
        ["\r"] = "",
        ["ｶ"] = "カ",
        ["㎏"] = "kg",
        ["\u200D"] = " ",
        ["👍"] = "+",
    });

    private static readonly (string Name, string Json)[] s_normalizers =
    [
        .. Types("NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "ByteLevel"),
        ("Precompiled", $$"""{"type": "Precompiled", "precompiled_charsmap": "{{s_precompiled}}"}"""),
        ("BERT uncased", Bert(clean: true, chinese: true, "null", lowercase: true)),
        ("BERT cased", Bert(clean: true, chinese: true, "null", lowercase: false)),
        ("BERT accents kept", Bert(clean: false, chinese: true, "false", lowercase: true)),
        ("BERT accents dropped", Bert(clean: false, chinese: false, "true", lowercase: false)),
        ("Strip", """{"type": "Strip", "strip_left": true, "strip_right": true}"""),
        ("Strip left", """{"type": "Strip", "strip_left": true, "strip_right": false}"""),
        ("Prepend", """{"type": "Prepend", "prepend": "▁a"}"""),
        ("Replace text", """{"type": "Replace", "pattern": {"String": "ab"}, "content": "é€"}"""),
        ("Replace expression", """{"type": "Replace", "pattern": {"Regex": "\\s+|[\\p{N}]{2}"}, "content": "_"}"""),
        ("Sequence", """
            {"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "StripAccents"}, {"type": "Lowercase"},
              {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]}
            """),
    ];

    private static readonly (string Name, string Json)[] s_preTokenizers =
    [
        .. Types("BertPreTokenizer", "Whitespace", "WhitespaceSplit"),
        ("Punctuation", """{"type": "Punctuation"}"""),
        .. Behaviours.Select(behaviour => ($"Punctuation {behaviour}", $$"""{"type": "Punctuation", "behavior": "{{behaviour}}"}""")),
        ("Digits", """{"type": "Digits", "individual_digits": false}"""),
        ("Digits one by one", """{"type": "Digits", "individual_digits": true}"""),
        ("CharDelimiterSplit", """{"type": "CharDelimiterSplit", "delimiter": "a"}"""),
        .. from behaviour in Behaviours
           from invert in (string[])["true", "false"]
           from pattern in (string[])["""{"String": "a"}""", """{"Regex": "[a-c]+|\\s"}"""]
           select ($"Split {behaviour} {invert} {pattern}", Split(pattern, behaviour, invert)),
        .. from scheme in (string[])["always", "first", "never"]
           from split in (string[])["true", "false"]
           select ($"Metaspace {scheme} {split}",
               $$"""{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "{{scheme}}", "split": {{split}}}"""),
        ("ByteLevel", ByteLevel(prefix: false, expression: true)),
        ("ByteLevel with a prefix", ByteLevel(prefix: true, expression: true)),
        ("ByteLevel without words", ByteLevel(prefix: true, expression: false)),
        .. TokenizerPatterns.All.Select(pattern => (pattern.Name, Sequence(
            [.. pattern.Expressions.Select(one =>
                Split($$"""{"Regex": {{JsonSerializer.Serialize(one)}}}""", "Isolated", "false"))]))),
        ("Sequence", Sequence("""{"type": "WhitespaceSplit"}""", """{"type": "Punctuation", "behavior": "Isolated"}""",
            """{"type": "Digits", "individual_digits": true}""")),
    ];

    private static readonly (string Name, string Json)[] s_models =
    [
        ("BPE", Bpe(new())),
        ("BPE, fused unknown", Bpe(new() { ["unk_token"] = Unknown, ["fuse_unk"] = true })),
        ("BPE, unknown one by one", Bpe(new() { ["unk_token"] = Unknown, ["fuse_unk"] = false })),
        ("BPE, bytes", Bpe(new() { ["unk_token"] = Unknown, ["fuse_unk"] = true, ["byte_fallback"] = true })),
        ("BPE, words first", Bpe(new() { ["ignore_merges"] = true })),
        ("BPE, a suffix", Bpe(new() { ["unk_token"] = Unknown, ["end_of_word_suffix"] = "</w>" })),
        ("BPE, a prefix", Bpe(new() { ["unk_token"] = Unknown, ["continuing_subword_prefix"] = "@@" })),
        ("Unigram", Unigram(bytes: false)),
        ("Unigram, bytes", Unigram(bytes: true)),
        ("WordLevel", Model("WordLevel", new()
        {
            ["unk_token"] = Unknown,
            ["vocab"] = Numbered([Unknown, "a", "the", "hello", "ab", "'", "é"]),
        })),
        ("WordPiece", Model("WordPiece", new()
        {
            ["unk_token"] = Unknown,
            ["continuing_subword_prefix"] = "##",
            ["max_input_chars_per_word"] = 12,
            ["vocab"] = Numbered([
                Unknown, "a", "b", "c", "ab", "abc", "the", "##a", "##b", "##bc", "##cd", "##c", "##e", "hel", "##lo", "##l", "##o",
                "é", "##é", "😀"]),
        })),
    ];

    private static readonly (string Name, string Json)[] s_postProcessors =
    [
        ("BertProcessing", """{"type": "BertProcessing", "sep": ["[UNK]", 0], "cls": ["a", 1]}"""),
        ("RobertaProcessing", """
            {"type": "RobertaProcessing", "sep": ["[UNK]", 0], "cls": ["a", 1], "trim_offsets": true, "add_prefix_space": false}
            """),
        ("TemplateProcessing", """
            {"type": "TemplateProcessing",
              "single": [{"SpecialToken": {"id": "x", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
              "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
              "special_tokens": {"x": {"id": "x", "ids": [1, 0], "tokens": ["a", "[UNK]"]}}}
            """),
    ];

    private static readonly (string Name, string Json)[] s_decoders =
    [
        ("WordPiece decoder", """{"type": "WordPiece", "prefix": "##", "cleanup": true}"""),
        ("WordPiece decoder without clean-up", """{"type": "WordPiece", "prefix": "##", "cleanup": false}"""),
        ("BPE decoder", """{"type": "BPEDecoder", "suffix": "a"}"""),
        ("Fuse, Strip", """
            {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "##"}, "content": ""}, {"type": "Fuse"},
              {"type": "Strip", "content": "a", "start": 2, "stop": 0}]}
            """),
        ("Metaspace decoder", """{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true}"""),
    ];

    private static string[] Behaviours => ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"];

    /// <summary>The texts of the files, by what is special about each.</summary>
    public static IReadOnlyDictionary<string, string> All { get; } = Files().ToDictionary(file => file.Name, file => file.Json);

    private static IEnumerable<(string Name, string Json)> Files()
    {
        string everyCharacter = Split("""{"Regex": "[^a]|a"}""", "Isolated", "false"), words = """{"type": "BertPreTokenizer"}""";
        foreach ((string name, string json) in s_normalizers)
            yield return ("normalizer " + name, File(s_spelling, normalizer: json, preTokenizer: everyCharacter));
        foreach ((string name, string json) in s_preTokenizers)
            yield return ("pre-tokenizer " + name, File(s_spelling, preTokenizer: json));
        foreach ((string name, string json) in s_models)
        {
            yield return ($"model {name}", File(json));
            yield return ($"model {name}, words", File(json, preTokenizer: words));
        }
        foreach ((string name, string json) in s_postProcessors)
            yield return ("post-processor " + name, File(s_spelling, preTokenizer: words, postProcessor: json));
        foreach ((string name, string json) in s_decoders)
            yield return (name, File(s_spelling, preTokenizer: words, decoder: json));
    }

    private static string File(
        string model, string normalizer = "null", string preTokenizer = "null", string postProcessor = "null", string decoder = "null") =>
        $$"""
        {
          "version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": {{normalizer}},
          "pre_tokenizer": {{preTokenizer}}, "post_processor": {{postProcessor}}, "decoder": {{decoder}}, "model": {{model}}
        }
        """;

    private static IEnumerable<(string, string)> Types(params string[] types) =>
        types.Select(type => (type, $$"""{"type": "{{type}}"}"""));

    private static string Bert(bool clean, bool chinese, string accents, bool lowercase) => $$"""
        {
          "type": "BertNormalizer", "clean_text": {{Json(clean)}}, "handle_chinese_chars": {{Json(chinese)}}, "strip_accents": {{accents}},
          "lowercase": {{Json(lowercase)}}
        }
        """;

    private static string Split(string pattern, string behaviour, string invert) =>
        $$"""{"type": "Split", "pattern": {{pattern}}, "behavior": "{{behaviour}}", "invert": {{invert}}}""";

    private static string Sequence(params string[] steps) => $$"""{"type": "Sequence", "pretokenizers": [{{string.Join(", ", steps)}}]}""";

    private static string ByteLevel(bool prefix, bool expression) =>
        $$"""{"type": "ByteLevel", "add_prefix_space": {{Json(prefix)}}, "trim_offsets": true, "use_regex": {{Json(expression)}}}""";

    private static string Bpe(Dictionary<string, object?> options)
    {
        string prefix = (string?)options.GetValueOrDefault("continuing_subword_prefix") ?? "";
        string suffix = (string?)options.GetValueOrDefault("end_of_word_suffix") ?? "";
        string[] letters = ["a", "b", "c", "d", "e", "l", "o", "h", "é", "😀"];
        List<string> tokens =
        [
            Unknown, .. letters, .. letters.Select(letter => prefix + letter), .. letters.Select(letter => letter + suffix),
            .. letters.Select(letter => prefix + letter + suffix), .. s_bytes, "▁", " ", "abcde", "hello",
        ];
        // Merges of tokens that came before, by a fixed dice.
        Random random = new(7);
        List<string[]> merges = [];
        string[] pieces = [.. tokens.Where(token => token.Length < 8 && !token.StartsWith('<') && !token.StartsWith('['))];
        for (int i = 0; i < 60; i++)
        {
            string left = pieces[random.Next(pieces.Length)], right = pieces[random.Next(pieces.Length)];
            if (!right.StartsWith(prefix, StringComparison.Ordinal)
                || (suffix.Length > 0 && left.EndsWith(suffix, StringComparison.Ordinal)))
            {
                continue;
            }
            merges.Add([left, right]);
            tokens.Add(left + right[prefix.Length..]);
            pieces = [.. pieces, tokens[^1]];
        }
        options["vocab"] = Numbered(tokens);
        options["merges"] = merges;
        return Model("BPE", options);
    }

    private static string Unigram(bool bytes) => Model("Unigram", new()
    {
        ["unk_id"] = 0,
        ["byte_fallback"] = bytes,
        ["vocab"] = ((string[])[
            Unknown, "a", "b", "c", "ab", "bc", "abc", "abab", "e", "ee", "the", " ", "▁", "hel", "lo", "é", "中", "😀",
            .. bytes ? s_bytes : []])
            .Select((token, i) => new object[] { token, i == 0 ? 0 : -1 - 0.37 * ((i * 7) % 11) }),
    });

    private static string Model(string type, Dictionary<string, object?> members) =>
        JsonSerializer.Serialize(new Dictionary<string, object?>(members) { ["type"] = type }, s_readable);

    private static Dictionary<string, int> Numbered(IEnumerable<string> tokens) =>
        tokens.Distinct().Select((token, id) => (token, id)).ToDictionary(pair => pair.token, pair => pair.id);

    private static string Json(bool value) => value ? "true" : "false";
}

/// <summary>The expressions that well-known models cut texts with, one or several in turn.</summary>
internal static class TokenizerPatterns
{
    public static readonly (string Name, string[] Expressions)[] All =
    [
        ("Llama 3", [@"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"]),
        ("Qwen 2", [@"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"]),
        ("o200k", [string.Join('|',
            @"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
            @"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
            @"\p{N}{1,3}", @" ?[^\s\p{L}\p{N}]+[\r\n/]*", @"\s*[\r\n]+", @"\s+(?!\S)", @"\s+")]),
        ("DeepSeek V3", [
            @"\p{N}{1,3}", "[\u4E00-\u9FA5\u3040-\u309F\u30A0-\u30FF]+",
            "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+"]),
        ("DeepSeek LLM", [
            "[\r\n]",
            "\\s?[A-Za-z\u00B5\u00C0-\u00D6\u00D8-\u00F6\u00F8-\u01BA\u01BC-\u01BF\u01C4-\u0293\u0295-\u02AF\u0370-\u0373\u0376\u0377\u037B-\u037D\u037F"
                + "\u0386\u0388-\u038A\u038C\u038E-\u03A1\u03A3-\u03F5\u03F7-\u0481\u048A-\u052F\u0531-\u0556\u10A0-\u10C5\u13A0-\u13F5\u13F8-\u13FD"
                + "\u1C90-\u1CBA\u1CBD-\u1CBF\u1D00-\u1D2B\u1D6B-\u1D77\u1D79-\u1D9A\u1E00-\u1F15\u1F18-\u1F1D\u1F20-\u1F45\u1F48-\u1F4D\u1F50-\u1F57"
                + "\u1F59\u1F5B\u1F5D\u1F5F-\u1F7D\u1F80-\u1FB4\u1FB6-\u1FBC\u1FBE\u1FC2-\u1FC4\u1FC6-\u1FCC\u1FD0-\u1FD3\u1FD6-\u1FDB\u1FE0-\u1FEC"
                + "\u1FF2-\u1FF4\u1FF6-\u1FFC\u2102\u2107\u210A-\u2113\u2115\u2119-\u211D\u2124\u2126\u2128\u212A-\u212D\u212F-\u2134\u2139\u213C-\u213F"
                + "\u2145-\u2149\u214E\u2183\u2184\u2C00-\u2C7B\u2C7E-\u2CE4\u2CEB-\u2CEE\u2CF2\u2CF3\uA640-\uA66D\uA680-\uA69B\uA722-\uA76F\uA771-\uA787"
                + "\uA78B-\uA78E\uAB70-\uABBF\uFB00-\uFB06\uFB13-\uFB17\uFF21-\uFF3A\uFF41-\uFF5A𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃]+",
            "\\s?[!-/:-~\uFF01-\uFF0F\uFF1A-\uFF5E\u2018-\u201F\u3000-\u3002]+", "\\s+$", "[\u4E00-\u9FA5\u0800-\u4E00\uAC00-\uD7FF]+", "\\p{N}+"]),
        ("Falcon", [@"[0-9][0-9][0-9]", @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"]),
    ];
}
