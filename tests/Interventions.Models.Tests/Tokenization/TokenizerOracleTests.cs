using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Interventions.Models.Tokenization;

namespace Interventions.Models.Tests.Tokenization;

/// <summary>Random texts, compared with the library that writes <c>tokenizer.json</c>.</summary>
public sealed class TokenizerOracleTests
{
    private const string Root = "reference/tokenizers";

    public static TheoryData<string> Components => [.. ComponentFiles.All.Keys];

    public static TheoryData<string> Folders => [.. SharedData.Folders(Root).Select(folder => Path.GetFileName(folder))];

    [OracleTheory]
    [MemberData(nameof(Components))]
    public void Each_component_gives_the_ids_of_the_reference(string component)
    {
        TokenizerOracle oracle = new(ComponentFiles.All[component]);
        Check(50, RandomTexts.Pieces(), pieces => oracle.Difference(string.Concat(pieces)));
    }

    [OracleTheory(Root)]
    [MemberData(nameof(Folders))]
    public void Each_tokenizer_gives_the_ids_of_the_reference(string folder)
    {
        string json = File.ReadAllText(SharedData.Path($"{Root}/{folder}/tokenizer.json"));
        TokenizerOracle oracle = new(json);
        string[] added = [.. JsonElement.Parse(json).GetProperty("added_tokens").EnumerateArray()
            .Select(token => token.GetProperty("content").GetString()!)];
        Check(200, RandomTexts.Pieces(added), pieces => oracle.Difference(string.Concat(pieces)));
        Check(100, Ids(oracle.Own), oracle.DecodedDifference);
    }

    [SharedTheory(Root)]
    [MemberData(nameof(Folders))]
    public void A_text_comes_back_where_the_tokenizer_allows_it(string folder)
    {
        HuggingFaceTokenizer tokenizer = HuggingFaceTokenizer.Load(SharedData.Path($"{Root}/{folder}"));
        Check(200, RandomTexts.Pieces(), pieces =>
        {
            EncodedText encoded = tokenizer.Encode(Kept(string.Concat(pieces)), addSpecialTokens: false);
            if (encoded.Missing.Count > 0 || encoded.Ids.Contains(tokenizer.UnknownId ?? -1))
                return null;
            string decoded = tokenizer.Decode(encoded.Ids);
            return decoded == encoded.Text ? null : $"\"{encoded.Text}\" comes back as \"{decoded}\"";
        });

        // A text of which this tokenizer loses nothing.
        string Kept(string text) => folder switch
        {
            // It composes characters.
            "qwen2-style" => Normalized(compatible: false, text),
            // It does too, and its added tokens "café" and "naïve" do not come back from the byte alphabet.
            "gpt-neox-style" => Normalized(compatible: false, text).Replace('é', '-').Replace('ï', '-'),
            // The sign of a space is not there as itself, and a space in front takes the place of its own sign.
            "llama2-style" or "gemma-style" => text.Replace('▁', '_'),
            "mistral-metaspace-style" => text.TrimStart(' ').Replace('▁', '_'),
            // Runs of spaces are one.
            "unigram" => string.Join(' ', Normalized(compatible: true, text).Replace('▁', '_')
                .Split(' ', StringSplitOptions.RemoveEmptyEntries)),
            "wordlevel" => string.Join(' ', text.ToLowerInvariant().Where(char.IsAsciiLetter).Chunk(5).Select(word => new string(word))),
            _ => text,
        };

        static string Normalized(bool compatible, string text) =>
            new UnicodeNormalizer(compatible, compose: true).Normalize(AlignedText.From(text)).Text;
    }

    [SharedTheory(Root)]
    [MemberData(nameof(Folders))]
    public void Ids_one_by_one_give_the_text_of_all(string folder)
    {
        HuggingFaceTokenizer tokenizer = HuggingFaceTokenizer.Load(SharedData.Path($"{Root}/{folder}"));
        foreach (bool skip in (bool[])[true, false])
        {
            Check(100, RandomTexts.Pieces([.. tokenizer.SpecialTokens.Keys]), pieces =>
                Streamed([.. tokenizer.Encode(string.Concat(pieces)).Ids], skip));
            if (tokenizer.TokenToId("<0x41>") is null)    // there, wrong bytes change what was given already
                Check(100, Ids(tokenizer), ids => Streamed(ids, skip));
        }

        string? Streamed(int[] ids, bool skip)
        {
            DecodeStream stream = new(tokenizer, skip);
            string text = string.Concat(ids.Select(stream.Add)) + stream.Finish(), expected = tokenizer.Decode(ids, skip);
            return text == expected ? null : $"{string.Join(' ', ids)} is \"{text}\", not \"{expected}\"";
        }
    }

    private static Arbitrary<int[]> Ids(HuggingFaceTokenizer tokenizer) =>
        Gen.Elements(tokenizer.Vocabulary.Values.AsEnumerable()).ArrayOf().ToArbitrary();

    private static void Check<T>(int count, Arbitrary<T> cases, Func<T, string?> difference) => FsCheck.Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(count),
        Prop.ForAll(cases, one => difference(one) is { } found ? false.Label(found) : true.Label("")));
}
