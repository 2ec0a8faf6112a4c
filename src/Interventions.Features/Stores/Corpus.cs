using System.Collections.Immutable;
using Interventions.Models;
using Interventions.Tables;
using Microsoft.ML.Tokenizers;

namespace Interventions.Features;

/// <summary>
/// Text as token contexts of one length at most. Documents are read, tokenized and cut as they are asked for, never all of them at once;
/// going through the contexts again gives the same ones, as long as the texts are the same.
/// </summary>
/// <example><code>
/// Corpus corpus = Corpus.OfFiles("/usr/share/doc", model.Tokenizer, new() { ContextLength = 256 });
/// </code></example>
public sealed class Corpus
{
    private readonly string _source;

    private Corpus(IEnumerable<IReadOnlyList<long>> contexts, Tokenizer? tokenizer, string source, string cutting) =>
        (Contexts, Tokenizer, _source, Cutting) = (contexts, tokenizer, source, cutting);

    /// <summary>The contexts, each a list of token ids; they can be gone through several times, with the same result.</summary>
    public IEnumerable<IReadOnlyList<long>> Contexts { get; }

    /// <summary>What makes text of token ids; none for a corpus of tokens.</summary>
    public Tokenizer? Tokenizer { get; }

    /// <summary>How documents became contexts, in words.</summary>
    internal string Cutting { get; }

    /// <summary>Contexts that are tokens already.</summary>
    /// <param name="contexts">The contexts, each of at least one token.</param>
    /// <param name="tokenizer">What makes text of them, and which tokens are special; none by default.</param>
    public static Corpus OfTokens(IEnumerable<IReadOnlyList<long>> contexts, Tokenizer? tokenizer = null)
    {
        ArgumentNullException.ThrowIfNull(contexts);
        return new(contexts, tokenizer, "tokens", "contexts as they are given");
    }

    /// <summary>Contexts of texts.</summary>
    /// <remarks>Contexts whose tokens are for more than a quarter unknown to the tokenizer are refused where they are read.</remarks>
    /// <param name="documents">The texts, each a document; they are gone through anew for every pass over the contexts.</param>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="options">How documents become contexts.</param>
    /// <exception cref="ArgumentException">The tokenizer lacks a token that is asked for, or options contradict each other.</exception>
    public static Corpus OfTexts(IEnumerable<string> documents, Tokenizer tokenizer, CorpusOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(documents);
        return Of(documents.Select(text => TextPieces.Of(text)), tokenizer, options ?? new(), "texts");
    }

    /// <summary>Contexts of the text in a file or a folder.</summary>
    /// <param name="path">A file or a folder, see <see cref="OfFiles(IEnumerable{string}, Tokenizer, CorpusOptions?)"/>.</param>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="options">How documents become contexts.</param>
    public static Corpus OfFiles(string path, Tokenizer tokenizer, CorpusOptions? options = null) => OfFiles([path], tokenizer, options);

    /// <summary>
    /// Contexts of the text in files and folders. A file is a document, in UTF-8; a <c>.jsonl</c> file is a document a line, the text in
    /// the field that the options name; <c>.gz</c> files are unpacked on the way.
    /// </summary>
    /// <remarks>
    /// Of a folder all files are read, those of its folders too, in the order of their paths: without hidden ones and those that are no
    /// text. A file that several links in the folder lead to is read once, and links to folders are not followed. A document of more than
    /// 262,144 characters is tokenized in pieces, cut behind an end of line: tokens at a cut may be others than those of the whole.
    /// </remarks>
    /// <param name="paths">Files and folders, in order.</param>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="options">How documents become contexts.</param>
    /// <exception cref="FileNotFoundException">There is no such file or folder.</exception>
    /// <exception cref="ArgumentException">The tokenizer lacks a token that is asked for, or options contradict each other.</exception>
    public static Corpus OfFiles(IEnumerable<string> paths, Tokenizer tokenizer, CorpusOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(paths);
        ImmutableArray<string> all = [.. paths];
        if (all.IsEmpty)
            throw new ArgumentException("There is no file to read: name one, or a folder.", nameof(paths));
        if (all.FirstOrDefault(path => !Path.Exists(path)) is { } missing)
            throw new FileNotFoundException($"There is no file or folder '{missing}'.", missing);
        options ??= new();
        return Of(TextFiles.Documents(all, options.Field), tokenizer, options, string.Join(", ", all.Select(path => $"'{path}'")));
    }

    /// <summary>What the texts are, and how they became contexts.</summary>
    public override string ToString() => TextTable.Wrap($"{_source}: {Cutting}", 2) + "\n";

    private static Corpus Of(IEnumerable<IEnumerable<string>> documents, Tokenizer tokenizer, CorpusOptions options, string source)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        ContextCutting cutting = ContextCutting.Of(options, tokenizer);
        return new(Known(cutting.Cut(documents.Select(Tokens)), tokenizer, source), tokenizer, source, cutting.ToString());

        IEnumerable<long> Tokens(IEnumerable<string> document) => document.SelectMany(piece => Encode(tokenizer, piece));
    }

    /// <summary>Contexts, the first of which have texts that the tokenizer knows.</summary>
    private static IEnumerable<IReadOnlyList<long>> Known(IEnumerable<IReadOnlyList<long>> contexts, Tokenizer tokenizer, string source)
    {
        const int Looked = 1000;
        // A byte-level tokenizer knows everything, and may name a boundary as its unknown token.
        int? id = tokenizer is HuggingFaceTokenizer own && own.UnknownId != own.BosId && own.UnknownId != own.EosId ? own.UnknownId : null;
        long all = 0, unknown = 0;
        foreach (IReadOnlyList<long> context in contexts)
        {
            if (all < Looked && id is not null)
            {
                (all, unknown) = (all + context.Count, unknown + context.Count(token => token == id));
                if (all >= Looked)
                    Check();
            }
            yield return context;
        }
        Check();

        void Check()
        {
            if (4 * unknown > all)
                throw new InterventionException(
                    $"Of the first {all} tokens of {source}, the tokenizer does not know {unknown}: is this the language of the model? If "
                    + $"so, give the tokens themselves, {nameof(Corpus)}.{nameof(OfTokens)}.");
        }
    }

    /// <summary>
    /// A text's tokens without those that the tokenizer adds around it. Characters without a token are what the tokenizer makes of them.
    /// </summary>
    private static IEnumerable<long> Encode(Tokenizer tokenizer, string text) => tokenizer is HuggingFaceTokenizer own
        ? own.Encode(text, addSpecialTokens: false).Ids.Select(id => (long)id)
        : PromptText.Encode(tokenizer, text, "a text of the corpus", addSpecialTokens: false);
}

/// <summary>How documents become contexts. The defaults are those of SAELens, but that the last, shorter context is kept.</summary>
public sealed record CorpusOptions
{
    /// <summary>The most tokens of a context. Default: 128.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is less than two, so that there would be nothing to predict.</exception>
    public int ContextLength
    {
        get;
        init => field = value >= 2
            ? value
            : throw new ArgumentOutOfRangeException(nameof(ContextLength), value, "A context has at least two tokens.");
    } = 128;

    /// <summary>
    /// Whether contexts are filled with one document after the other: a document goes on in the next context, and only the last context
    /// may be shorter. Otherwise every document is one context, cut off at its end. Default: true.
    /// </summary>
    public bool Packed { get; init; } = true;

    /// <summary>
    /// The token in front of each context, unless the text begins with it. Default: the tokenizer's beginning of sentence.
    /// </summary>
    public BoundaryToken Beginning { get; init; } = BoundaryToken.Bos;

    /// <summary>The token between documents in a packed context. Default: that of <see cref="Beginning"/>.</summary>
    public BoundaryToken? Separator { get; init; }

    /// <summary>The field of a line of JSON that has the text. Default: <c>text</c>.</summary>
    public string Field { get; init; } = "text";
}

/// <summary>A token in front of contexts or between documents.</summary>
public sealed record BoundaryToken
{
    private readonly string _name;
    private readonly long? _id;

    private BoundaryToken(string name, long? id = null) => (_name, _id) = (name, id);

    /// <summary>The tokenizer's beginning of sentence.</summary>
    public static BoundaryToken Bos { get; } = new("BOS");

    /// <summary>The tokenizer's end of sentence.</summary>
    public static BoundaryToken Eos { get; } = new("EOS");

    /// <summary>No token.</summary>
    public static BoundaryToken None { get; } = new("no token");

    /// <summary>A token by its id.</summary>
    public static BoundaryToken Of(long id) => new("token", id);

    /// <inheritdoc/>
    public override string ToString() => _id is long id ? $"{_name} {id}" : _name;

    /// <summary>Its id; null for none.</summary>
    /// <exception cref="ArgumentException">The tokenizer has no such token.</exception>
    internal long? In(Tokenizer tokenizer)
    {
        if (_id is not null || this == None)
            return _id;
        return tokenizer is HuggingFaceTokenizer own
            ? (this == Bos ? own.BosId : own.EosId) ?? throw Missing("has no")
            : throw Missing("does not say its");

        ArgumentException Missing(string what) => new(
            $"The tokenizer {what} {_name} token, which contexts are to begin with or documents to be parted by: set "
            + $"{nameof(CorpusOptions)}.{nameof(CorpusOptions.Beginning)} and {nameof(CorpusOptions.Separator)} to another one, such as "
            + $"{nameof(BoundaryToken)}.{nameof(Eos)} or {nameof(BoundaryToken)}.{nameof(Of)}(id), or to {nameof(None)}.");
    }
}
