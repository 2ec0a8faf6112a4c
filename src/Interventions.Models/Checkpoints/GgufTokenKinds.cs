namespace Interventions.Models.Checkpoints;

/// <summary>How the tokenizer of a GGUF file treats text, in the words of a <c>tokenizer.json</c>.</summary>
/// <param name="Normalizer">The <c>normalizer</c>.</param>
/// <param name="PreTokenizer">The <c>pre_tokenizer</c>.</param>
/// <param name="Decoder">The <c>decoder</c>.</param>
internal sealed record GgufTokenKind(string Normalizer, string PreTokenizer, string Decoder)
{
    private const string Nothing = "null";
    private const string Nfc = """{"type": "NFC"}""";
    private const string Bytes = """{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true}""";
    private const string BytesAlone = """{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false}""";

    private const string Contraction = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
    private const string Upper = @"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", Lower = @"[\p{Ll}\p{Lm}\p{Lo}\p{M}]";
    private const string Spaces = @"\s*[\r\n]+|\s+(?!\S)|\s+";
    private const string Marks = @"| ?[^\s\p{L}\p{N}]+[\r\n]*|";

    /// <summary>Words with the character in front, digits in groups of three.</summary>
    private const string Llama3 = Contraction + @"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}" + Marks + Spaces;

    /// <summary>The same, digit by digit.</summary>
    private const string Qwen2 = Contraction + @"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}" + Marks + Spaces;

    /// <summary>Words begin at capital letters too.</summary>
    private const string O200k =
        @"[^\r\n\p{L}\p{N}]?" + Upper + "*" + Lower + "+" + Contraction + "?" +
        @"|[^\r\n\p{L}\p{N}]?" + Upper + "+" + Lower + "*" + Contraction + "?" +
        @"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|" + Spaces;

    /// <summary>The same without contractions, digit by digit.</summary>
    private const string Tekken =
        @"[^\r\n\p{L}\p{N}]?" + Upper + "*" + Lower + "+" + @"|[^\r\n\p{L}\p{N}]?" + Upper + "+" + Lower + "*" +
        @"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|" + Spaces;

    private static readonly GgufTokenKind s_gpt2 = new(Nothing, Bytes, Bytes);

    private static readonly GgufTokenKind s_digits = new(
        Nothing, $$"""{"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": true}, {{Bytes}}]}""", Bytes);

    private static readonly GgufTokenKind s_llama3 = OfSplits(Nothing, Llama3) with { IgnoresMerges = true, BeginsByDefault = true };

    private static readonly GgufTokenKind s_qwen2 = OfSplits(Nfc, Qwen2);

    /// <summary>
    /// The byte-level kinds, by <c>tokenizer.ggml.pre</c>. A new one is a line. What files do not say, such as a normalizer, is as in the
    /// tokenizers that were published with the models.
    /// </summary>
    public static IReadOnlyDictionary<string, GgufTokenKind> ByteLevel { get; } = new Dictionary<string, GgufTokenKind>
    {
        ["gpt-2"] = s_gpt2,
        ["phi-2"] = s_gpt2,
        ["olmo"] = s_gpt2 with { Normalizer = Nfc },
        ["smollm"] = s_digits,
        ["starcoder"] = s_digits,
        ["refact"] = s_digits,
        ["llama-bpe"] = s_llama3,
        ["llama3"] = s_llama3,
        ["llama-v3"] = s_llama3,
        ["dbrx"] = OfSplits(Nothing, Llama3),
        ["smaug-bpe"] = OfSplits(Nothing, Llama3),
        ["qwen2"] = s_qwen2,
        ["deepseek-r1-qwen"] = s_qwen2,
        ["stablelm2"] = s_qwen2,
        ["gpt-4o"] = OfSplits(Nothing, O200k),
        ["tekken"] = OfSplits(Nothing, Tekken) with { IgnoresMerges = true, BeginsByDefault = true },
        ["deepseek-v3"] = OfSplits(
            Nothing, @"\p{N}{1,3}", "[一-龥぀-ゟ゠-ヿ]+",
            @"[!""#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|" + Spaces),
    };

    /// <summary>SentencePiece's kind of byte-pair encoding: spaces are written as ▁, unknown characters as bytes.</summary>
    /// <param name="hasPrefix">Whether a space is put in front of a text.</param>
    public static GgufTokenKind SentencePiece(bool hasPrefix)
    {
        const string sign = """{"type": "Replace", "pattern": {"String": " "}, "content": "▁"}""";
        const string space = """
            {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}
            """;
        return new(
            hasPrefix ? $$"""{"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, {{sign}}]}""" : sign,
            Nothing,
            hasPrefix ? $$"""{"type": "Sequence", "decoders": [{{space}}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}"""
                : $$"""{"type": "Sequence", "decoders": [{{space}}]}""")
        {
            BeginsByDefault = true,
        };
    }

    /// <summary>Whether a word that is a token is not looked for among the merges.</summary>
    public bool IgnoresMerges { get; private init; }

    /// <summary>Whether a token is put in front of texts where the file does not say so.</summary>
    public bool BeginsByDefault { get; private init; }

    private static GgufTokenKind OfSplits(string normalizer, params string[] patterns)
    {
        IEnumerable<string> splits = patterns.Select(pattern =>
            $$"""{"type": "Split", "pattern": {"Regex": "{{Escaped(pattern)}}"}, "behavior": "Isolated", "invert": false}""");
        return new(normalizer, $$"""{"type": "Sequence", "pretokenizers": [{{string.Join(", ", splits)}}, {{BytesAlone}}]}""", Bytes);
    }

    private static string Escaped(string pattern) => System.Text.Json.JsonEncodedText.Encode(pattern).ToString();
}
