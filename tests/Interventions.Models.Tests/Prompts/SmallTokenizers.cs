using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Interventions.Models.Tests.Tokenization;
using Microsoft.ML.Tokenizers;

namespace Interventions.Models.Tests.Prompts;

/// <summary>The package's own tokenizers, of vocabularies small enough to check by eye.</summary>
internal static class SmallTokenizers
{
    private const string Special = "<|endoftext|>";

    private static readonly string[] s_words = ["When", " Mary", " Tom", " met"];

    /// <summary>Every byte, then merges up to the words, and one that ends within a character: a space and the first byte of é.</summary>
    private static readonly string[] s_merges = [.. s_words.SelectMany(Merges).Distinct(), "Ġ Ã"];

    /// <summary>GPT-2's, as its <c>vocab.json</c> and <c>merges.txt</c>; the package calls it CodeGen's.</summary>
    public static CodeGenTokenizer CodeGen(bool special = false) =>
        CodeGenTokenizer.Create(Stream(VocabularyFile), Stream(MergesFile), addBeginOfSentence: special, addEndOfSentence: special);

    public static BpeTokenizer ByteLevel(bool special = false) => BpeTokenizer.Create(new BpeOptions(Vocabulary)
    {
        Merges = s_merges,
        ByteLevel = true,
        PreTokenizer = Words,
        BeginningOfSentenceToken = special ? Special : null,
        EndOfSentenceToken = special ? Special : null,
    });

    /// <summary>It cuts words at spaces and drops the spaces.</summary>
    public static BpeTokenizer Spaceless => BpeTokenizer.Create(Stream(VocabularyFile), Stream(MergesFile));

    /// <summary>It encodes GPT-2's alphabet character by character, and drops characters outside it.</summary>
    public static EnglishRobertaTokenizer Roberta => EnglishRobertaTokenizer.Create(
        Stream(VocabularyFile.Insert(1, """
            "<s>": 900, "</s>": 901, "<pad>": 902, "<mask>": 903, "<unk>": 904,
            """)),
        Stream(MergesFile),
        Stream(string.Join('\n', Vocabulary.Select(pair => $"{pair.Value} 1"))));

    public static TiktokenTokenizer Tiktoken(Normalizer? normalizer = null, bool asciiOnly = false)
    {
        IEnumerable<byte[]> bytes = Enumerable.Range(0, asciiOnly ? 128 : 256).Select(value => new[] { (byte)value });
        IEnumerable<byte[]> merged = s_merges.SkipLast(1).Select(merge => Encoding.UTF8.GetBytes(merge.Replace(" ", "").Replace('Ġ', ' ')));
        byte[][] tokens = [.. bytes, .. merged, [(byte)' ', 0xC3]];
        return TiktokenTokenizer.Create(
            Stream(string.Join('\n', tokens.Select((token, id) => $"{Convert.ToBase64String(token)} {id}"))), Words, normalizer);
    }

    /// <summary>Lower case and spaces are lost, unless there are no capitals and single spaces between words.</summary>
    public static BertTokenizer Bert => BertTokenizer.Create(Stream(WordPieces));

    public static WordPieceTokenizer WordPiece => WordPieceTokenizer.Create(Stream(WordPieces));

    /// <summary>Words with their space as ▁, bytes for the rest.</summary>
    /// <param name="dummyPrefix">Whether a ▁ is put in front of the text, as Llama's does.</param>
    public static SentencePieceTokenizer SentencePiece(bool dummyPrefix) => SentencePieceTokenizer.Create(
        new MemoryStream(SentencePieceModel(dummyPrefix)), addBeginningOfSentence: true, addEndOfSentence: true);

    public static LlamaTokenizer Llama => LlamaTokenizer.Create(new MemoryStream(SentencePieceModel(dummyPrefix: true)));

    /// <summary>The same vocabulary and merges in our reader.</summary>
    public static HuggingFaceTokenizer Ours()
    {
        using TokenizerFolder folder = new TokenizerFolder().Write("vocab.json", VocabularyFile).Write("merges.txt", MergesFile);
        return HuggingFaceTokenizer.Load(folder.FullPath);
    }

    private static string WordPieces => "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nwhen\nmary\ntom\nmet\n##s";

    private static RegexPreTokenizer Words =>
        new(new Regex(@"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"), specialTokens: null);

    private static IEnumerable<KeyValuePair<string, int>> Vocabulary =>
        Alphabet.Prepend(Special).Concat(s_merges.Select(merge => merge.Replace(" ", "")))
            .Select((token, id) => KeyValuePair.Create(token, id));

    private static string VocabularyFile => JsonSerializer.Serialize(new Dictionary<string, int>(Vocabulary));

    private static string MergesFile => $"#version: 0.2\n{string.Join('\n', s_merges)}\n";

    /// <summary>GPT-2's character for each byte.</summary>
    private static IEnumerable<string> Alphabet
    {
        get
        {
            int next = 0x100;
            for (int value = 0; value < 256; value++)
                yield return ((char)(value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or >= 0xAE ? value : next++)).ToString();
        }
    }

    private static IEnumerable<string> Merges(string word)
    {
        word = word.Replace(' ', 'Ġ');
        for (int i = 1; i < word.Length; i++)
            yield return $"{word[..i]} {word[i]}";
    }

    /// <summary>A <c>tokenizer.model</c>: pieces, the trainer's settings and the normalizer's, as protobuf writes them.</summary>
    private static byte[] SentencePieceModel(bool dummyPrefix)
    {
        const int Normal = 1, Unknown = 2, Control = 3, Bytes = 6;
        List<(string Text, int Type)> pieces = [("<unk>", Unknown), ("<s>", Control), ("</s>", Control)];
        pieces.AddRange(Enumerable.Range(0, 256).Select(value => ($"<0x{value:X2}>", Bytes)));
        IEnumerable<string> beginnings = s_words.Select(word => word.Replace(' ', '▁'))
            .SelectMany(word => Enumerable.Range(1, word.Length).Select(length => word[..length]));
        IEnumerable<string> letters = "henaryTomt".Select(letter => letter.ToString());
        pieces.AddRange(beginnings.Concat(letters).Append("▁When").Distinct().Select(piece => (piece, Normal)));
        return
        [
            .. pieces.SelectMany((piece, i) =>
                Message(1, [.. Message(1, Encoding.UTF8.GetBytes(piece.Text)), .. Score(2, -i), .. Number(3, piece.Type)])),
            .. Message(2, [.. Number(3, 2), .. Number(35, 1)]),    // BPE, with bytes for the rest
            .. Message(3, [.. Number(3, dummyPrefix ? 1 : 0), .. Number(4, 0), .. Number(5, 1)]),    // all spaces stay, as ▁
        ];
    }

    private static byte[] Message(int field, byte[] content) => [.. Varint((field << 3) | 2), .. Varint(content.Length), .. content];

    private static byte[] Number(int field, int value) => [.. Varint(field << 3), .. Varint(value)];

    private static byte[] Score(int field, float value) => [.. Varint((field << 3) | 5), .. BitConverter.GetBytes(value)];

    private static byte[] Varint(int value) => value < 128 ? [(byte)value] : [(byte)(value | 128), .. Varint(value >> 7)];

    private static MemoryStream Stream(string content) => new(Encoding.UTF8.GetBytes(content));
}
