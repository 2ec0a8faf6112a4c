using Interventions.Models;

namespace Interventions.Features.Tests.Stores;

/// <summary>Small corpora of tokens, and a tokenizer whose tokens are characters.</summary>
internal static class TinyCorpora
{
    /// <summary>The special tokens of the tokenizer.</summary>
    public const long Unknown = 0, Bos = 1, Eos = 2;

    private const string Characters = "abcdefghijklmnopqrstuvwxyz \n.";

    /// <summary>Contexts of random tokens of a small decoder.</summary>
    /// <param name="count">How many.</param>
    /// <param name="seed">Draws the tokens.</param>
    /// <param name="length">How many tokens each has; by default between one and nine.</param>
    public static Corpus Random(int count, int seed = 1, int? length = null) => Corpus.OfTokens(Tokens(count, seed, length));

    /// <inheritdoc cref="Random"/>
    public static long[][] Tokens(int count, int seed = 1, int? length = null)
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, count).Select(_ =>
            Enumerable.Range(0, length ?? random.Next(1, 10)).Select(_ => (long)random.Next(61)).ToArray())];
    }

    /// <summary>Writes a tokenizer into a folder and reads it.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="hasBos">Whether it has a beginning of sentence.</param>
    public static HuggingFaceTokenizer Tokenizer(string folder, bool hasBos = true)
    {
        string[] all = ["[UNK]", "<s>", "</s>", .. Characters.Select(character => character.ToString())];
        string vocabulary = string.Join(',', all.Select((token, id) => $"{System.Text.Json.JsonSerializer.Serialize(token)}:{id}"));
        const string Flags = """ "single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true """;
        string added = string.Join(',', all.Take(3).Select((token, id) => $$"""{"id":{{id}},"content":"{{token}}",{{Flags}}}"""));
        File.WriteAllText(Path.Combine(folder, "tokenizer.json"), $$$"""
            {"version":"1.0","added_tokens":[{{{added}}}],"normalizer":null,
             "pre_tokenizer":{"type":"Split","pattern":{"Regex":"[\\s\\S]"},"behavior":"Isolated","invert":false},
             "post_processor":null,"decoder":{"type":"Fuse"},
             "model":{"type":"WordLevel","vocab":{ {{{vocabulary}}} },"unk_token":"[UNK]"}}
            """);
        File.WriteAllText(
            Path.Combine(folder, "tokenizer_config.json"), $$"""{ {{(hasBos ? "\"bos_token\":\"<s>\"," : "")}}"eos_token":"</s>"}""");
        return HuggingFaceTokenizer.Load(folder);
    }

    /// <summary>The ids of a text; <c>^</c> is the beginning of sentence, <c>$</c> its end.</summary>
    public static long[] Ids(string text) =>
        [.. text.Select(character => character switch { '^' => Bos, '$' => Eos, _ => 3L + Characters.IndexOf(character) })];

    /// <summary>The text of ids, as <see cref="Ids"/> writes it.</summary>
    public static string Text(IReadOnlyList<long> ids) =>
        string.Concat(ids.Select(id => id switch { Bos => '^', Eos => '$', Unknown => '?', _ => Characters[(int)id - 3] }));
}
