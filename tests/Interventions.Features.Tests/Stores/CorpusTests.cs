using System.IO.Compression;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Interventions.Models;

namespace Interventions.Features.Tests.Stores;

/// <summary>Texts become contexts of tokens.</summary>
public sealed class CorpusTests : IDisposable
{
    private readonly TemporaryFolder _folder = new(), _texts = new();
    private readonly HuggingFaceTokenizer _tokenizer;

    public CorpusTests() => _tokenizer = TinyCorpora.Tokenizer(_folder.Path);

    public void Dispose()
    {
        _folder.Dispose();
        _texts.Dispose();
    }

    [Fact]
    public void Documents_are_packed_with_the_beginning_of_sentence_before_each_context_and_between_them()
    {
        // A document that begins where a context does has one beginning; a separator may end a context.
        Assert.Equal(["^abc^", "^de^f", "^ghij", "^kl"], Cut(["abc", "de", "fghijkl"], new() { ContextLength = 5 }));
        Assert.Equal(["^abc", "^de^", "^f"], Cut(["abc", "de", "f"], new() { ContextLength = 4 }));
    }

    [Fact]
    public void Other_boundaries_are_as_asked_for()
    {
        string[] texts = ["abc", "", "defg"];
        CorpusOptions options = new() { ContextLength = 4 };
        Assert.Equal(["abcd", "efg"], Cut(texts, options with { Beginning = BoundaryToken.None }));
        Assert.Equal(["abc$", "defg"], Cut(texts, options with { Beginning = BoundaryToken.None, Separator = BoundaryToken.Eos }));
        CorpusOptions both = options with { Beginning = BoundaryToken.Eos, Separator = BoundaryToken.Of(1) };
        Assert.Equal(["$abc", "$def", "$g^h"], Cut([.. texts, "h"], both));
        Assert.Equal(["$ab^", "$cd"], Cut(["ab", "cd"], both));
        Assert.Equal(["^abc", "^def"], Cut(texts, options with { Packed = false }));
        Assert.Equal(["abc", "defg"], Cut(texts, options with { Packed = false, Beginning = BoundaryToken.None }));
        // What a text begins with already is not there twice.
        Assert.Equal(["^ab^", "^cd"], Cut(["<s>ab", "<s>cd"], options));
    }

    [Fact]
    public void Packed_contexts_are_the_documents_cut() => Prop.ForAll(
        Arb.From(ArbMap.Default.GeneratorFor<int>().Select(size => Math.Abs(size % 9)).ListOf()),
        Arb.From(Gen.Choose(2, 8)),
        (sizes, length) =>
        {
            long next = 10;
            long[][] documents = [.. sizes.Select(size => Enumerable.Range(0, size).Select(_ => next++).ToArray())];
            ContextCutting cutting = new(length, IsPacked: true, 1, 2);
            long[][] contexts = [.. cutting.Cut(documents).Select(context => context.ToArray())];
            long[] kept = [.. contexts.SelectMany(context => context).Where(token => token >= 10)];
            return kept.SequenceEqual(documents.SelectMany(document => document))
                && contexts.All(context => context[0] == 1 && context.Skip(1).All(token => token != 1))
                && contexts.SkipLast(1).All(context => context.Length == length)
                && contexts.Skip(contexts.Length - 1).All(context => context.Length <= length && context[^1] >= 10);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Files_of_a_folder_are_read_in_order_and_what_is_no_text_is_not()
    {
        Directory.CreateDirectory(_texts["b"]);
        File.WriteAllText(_texts["c.txt"], "cc");
        File.WriteAllText(_texts["a"], "aa");
        File.WriteAllBytes(_texts["b/picture"], [1, 2, 0, 3]);
        File.WriteAllBytes(_texts["b/latin"], [.. Encoding.Latin1.GetBytes("é"), .. "x"u8]);
        File.WriteAllText(_texts["b/.hidden"], "hh");
        File.WriteAllText(_texts["b/lines.jsonl"], "{\"text\": \"one\", \"id\": 1}\n\n{\"text\": \"two\"}\n");
        using (GZipStream packed = new(File.Create(_texts["b/packed.gz"]), CompressionLevel.Fastest))
            packed.Write("gg"u8);
        File.CreateSymbolicLink(_texts["d"], _texts["c.txt"]);
        File.CreateSymbolicLink(_texts["e"], _texts["nowhere"]);
        File.CreateSymbolicLink(_texts["b/up"], _texts.Path);

        Corpus corpus = Corpus.OfFiles(_texts.Path, _tokenizer, new() { Packed = false });
        Assert.Equal(["^aa", "^one", "^two", "^gg", "^cc"], Texts(corpus));
        Assert.Equal(Texts(corpus), Texts(corpus));
        Assert.Equal(["^cc^aa"], Texts(Corpus.OfFiles([_texts["c.txt"], _texts["a"]], _tokenizer)));
    }

    [Fact]
    public void Wrong_files_and_tokens_are_refused_by_name()
    {
        File.WriteAllText(_texts["lines.jsonl"], "{\"text\": \"one\"}\n{\"body\": \"two\"}\n");
        File.WriteAllText(_texts["broken.jsonl"], "{\"text\": \"one\"");
        File.WriteAllBytes(_texts["picture"], [0]);
        Assert.Contains("lines.jsonl', line 2: this is no object with a text under 'text'", Refused("lines.jsonl"));
        Assert.Equal(["^one"], Texts(Corpus.OfFiles(_texts["lines.jsonl"], _tokenizer, new() { Packed = false }), 1));
        Assert.Contains("broken.jsonl', line 1: this is no JSON: line 1, byte 15", Refused("broken.jsonl"));
        Assert.Contains("picture' is no text in UTF-8", Refused("picture"));
        Assert.Contains("missing", Assert.Throws<FileNotFoundException>(() => Corpus.OfFiles(_texts["missing"], _tokenizer)).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => new CorpusOptions { ContextLength = 1 });
        Assert.Contains("is false: leave it out", Assert.Throws<ArgumentException>(() =>
            Cut(["a"], new() { Packed = false, Separator = BoundaryToken.Eos })).Message);
        using TemporaryFolder other = new();
        HuggingFaceTokenizer silent = TinyCorpora.Tokenizer(other.Path, hasBos: false);
        Assert.Contains("The tokenizer has no BOS token", Assert.Throws<ArgumentException>(() => Corpus.OfTexts(["a"], silent)).Message);
        Assert.Equal(["$a"], Texts(Corpus.OfTexts(["a"], silent, new() { Beginning = BoundaryToken.Eos })));

        string Refused(string file) =>
            Assert.Throws<InterventionException>(() => Texts(Corpus.OfFiles(_texts[file], _tokenizer))).Message;
    }

    /// <summary>Of long texts no character is lost at a cut, and none is cut in two.</summary>
    [Theory]
    [InlineData("word and word.\n\nnew ")]
    [InlineData("word and word ")]
    [InlineData("abc")]
    [InlineData("\U0001F600")]
    public void Long_texts_are_read_in_pieces(string part)
    {
        string text = string.Concat(Enumerable.Repeat(part, (2 * TextPieces.Longest / part.Length) + 7));
        foreach (string[] pieces in new[] { TextPieces.Of(text).ToArray(), [.. TextPieces.Of(new StringReader(text))] })
        {
            Assert.Equal(text, string.Concat(pieces));
            Assert.Equal(3, pieces.Length);
            Assert.DoesNotContain(pieces, piece => char.IsLowSurrogate(piece[0]));
            if (part.Contains('\n'))
                Assert.All(pieces.SkipLast(1), piece => Assert.EndsWith(".\n\n", piece));
            else if (part.Contains(' '))
                Assert.All(pieces.Skip(1), piece => Assert.StartsWith(" ", piece));
        }
    }

    /// <summary>A corpus without an end is read as far as it is asked for.</summary>
    [Fact]
    public void Documents_are_read_as_they_are_needed()
    {
        int read = 0;
        Corpus corpus = Corpus.OfTexts(Endless(), _tokenizer, new() { ContextLength = 8 });
        Assert.Equal(["^abcde^a", "^bcde^ab", "^cde^abc"], Texts(corpus, 3));
        Assert.Equal(4, read);

        IEnumerable<string> Endless()
        {
            while (true)
            {
                read++;
                yield return "abcde";
            }
        }
    }

    /// <summary>Text of another language is not measured as a row of unknown tokens.</summary>
    [Fact]
    public void Texts_that_the_tokenizer_does_not_know_are_refused()
    {
        CorpusOptions options = new() { ContextLength = 4, Beginning = BoundaryToken.None };
        Assert.Equal(["abc?", "defg"], Cut(["abcЖ", "defg"], options));
        Assert.Contains(
            "Of the first 8 tokens of texts, the tokenizer does not know 3: is this the language of the model?",
            Assert.Throws<InterventionException>(() => Cut(["abЖД", "deЖg"], options)).Message, StringComparison.Ordinal);
        // It is said as soon as a thousand tokens were looked at.
        using IEnumerator<IReadOnlyList<long>> endless = Corpus.OfTexts(Enumerable.Repeat("Жa", int.MaxValue), _tokenizer, options)
            .Contexts.GetEnumerator();
        for (int context = 1; context < 250; context++)
            Assert.True(endless.MoveNext());
        Assert.Throws<InterventionException>(() => endless.MoveNext());
    }

    [Fact]
    public void A_corpus_says_what_it_is() => Assert.Equal(
        "texts: contexts of 8 tokens, packed, beginning with token 1, documents parted by\n  token 2\n",
        Corpus.OfTexts(["a"], _tokenizer, new() { ContextLength = 8, Separator = BoundaryToken.Eos }).ToString());

    private string[] Cut(string[] texts, CorpusOptions options) => Texts(Corpus.OfTexts(texts, _tokenizer, options));

    private static string[] Texts(Corpus corpus, int most = int.MaxValue) => [.. corpus.Contexts.Take(most).Select(TinyCorpora.Text)];
}
