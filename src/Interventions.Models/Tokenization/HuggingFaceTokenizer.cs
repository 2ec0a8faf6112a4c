using System.Buffers;
using Interventions.Models.Tokenization;
using Microsoft.ML.Tokenizers;

namespace Interventions.Models;

/// <summary>
/// The tokenizer of a Hugging Face model, read from its <c>tokenizer.json</c>: the same ids and the same decoded text as the library that
/// wrote the file. Immutable, and safe from several threads.
/// </summary>
/// <remarks>
/// Special tokens written out in a text (<c>&lt;|endoftext|&gt;</c>) are encoded as those tokens. The file's truncation and padding
/// settings are not applied: every text is encoded whole. Offsets always point into the given text, so the results of the base class carry
/// no normalized text, and its normalizer and pre-tokenizer are <see langword="null"/>. Text that has no token, in a vocabulary without an
/// unknown token, is missing from the ids, as in the reference implementation; <see cref="EncodedText.Missing"/> reports it.
/// </remarks>
public sealed partial class HuggingFaceTokenizer : Tokenizer
{
    private readonly TokenizerPipeline _pipeline;
    private readonly Dictionary<string, int> _ids;
    private readonly Dictionary<int, string> _tokens;

    private HuggingFaceTokenizer(TokenizerPipeline pipeline, SpecialTokenFiles notes)
    {
        _pipeline = pipeline;
        _ids = new(pipeline.Model.Vocabulary, StringComparer.Ordinal);
        foreach (AddedToken token in pipeline.AddedTokens)
            _ids[token.Content] = token.Id;
        _tokens = _ids.ToDictionary(pair => pair.Value, pair => pair.Key);
        SpecialTokens = pipeline.AddedTokens.Where(token => token.Special).DistinctBy(token => token.Id)
            .ToDictionary(token => token.Content, token => token.Id, StringComparer.Ordinal);

        SpecialTokenNames names = SpecialTokenNames.Read(notes, pipeline, IdToToken);
        BosId = Known(names.Bos);
        EosId = Known(names.Eos);
        PadId = Known(names.Pad);
        UnknownId = Known(pipeline.Model.UnknownToken);
        _chats = notes.Chats;
        _chatTokens = ChatTemplateFiles.SpecialTokens(notes.Names, names);

        int? Known(string? token) => token is null ? null : TokenToId(token);
    }

    /// <summary>Reads a tokenizer.</summary>
    /// <param name="path">
    /// A <c>tokenizer.json</c>, or a model's folder that holds one, or, as older GPT-2 folders do, <c>vocab.json</c> and <c>merges.txt</c>.
    /// </param>
    /// <exception cref="FileNotFoundException">There is no such file, or the folder holds no tokenizer.</exception>
    /// <exception cref="InvalidDataException">A file is malformed; the message names it, the place in it and the reason.</exception>
    /// <exception cref="NotSupportedException">The file uses a component that is not implemented; the message names it.</exception>
    public static HuggingFaceTokenizer Load(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        TokenizerPipeline pipeline = TokenizerFile.Read(path, out string folder);
        return new(pipeline, SpecialTokenFiles.InFolder(folder));
    }

    /// <summary>Reads a tokenizer whose files are parts of another file.</summary>
    /// <param name="file">That file, for messages.</param>
    /// <param name="tokenizer">The content of <c>tokenizer.json</c>.</param>
    /// <param name="config">The content of <c>tokenizer_config.json</c>.</param>
    internal static HuggingFaceTokenizer Parse(string file, byte[] tokenizer, byte[] config) =>
        new(TokenizerFile.Read(JsonField.Parse(file, tokenizer)), new SpecialTokenFiles([JsonField.Parse(file, config)], Ids: null)
        {
            Chats = ChatTemplateFiles.InFiles(file, [JsonField.Parse(file, config)]),
        });

    /// <summary>The number of tokens, added ones included. A model may have more rows than this: some are padded.</summary>
    public int VocabularySize => _ids.Count;

    /// <summary>All tokens and their ids, added ones included.</summary>
    public IReadOnlyDictionary<string, int> Vocabulary => _ids;

    /// <summary>The special tokens and their ids. Decoding can skip them.</summary>
    public IReadOnlyDictionary<string, int> SpecialTokens { get; }

    /// <summary>The token that begins a text, or <see langword="null"/>. The file decides whether encoding adds it.</summary>
    public int? BosId { get; }

    /// <summary>The token that ends a text, or <see langword="null"/>.</summary>
    public int? EosId { get; }

    /// <summary>The token that fills up shorter texts of a batch, or <see langword="null"/>.</summary>
    public int? PadId { get; }

    /// <summary>The token for text outside the vocabulary, or <see langword="null"/>.</summary>
    public int? UnknownId { get; }

    /// <summary>The id of a token, written as the vocabulary does (GPT-2's <c>ĠMary</c>), or <see langword="null"/>.</summary>
    public int? TokenToId(string token) => _ids.TryGetValue(token, out int id) ? id : null;

    /// <summary>A token as the vocabulary writes it, or <see langword="null"/> if there is none with this id.</summary>
    public string? IdToToken(int id) => _tokens.GetValueOrDefault(id);

    /// <summary>Encodes a text.</summary>
    /// <param name="text">The text.</param>
    /// <param name="addSpecialTokens">Whether the file's tokens around a text, such as a beginning of sentence, are added.</param>
    /// <exception cref="ArgumentException">The text has a surrogate without its partner.</exception>
    public EncodedText Encode(string text, bool addSpecialTokens = true)
    {
        ArgumentNullException.ThrowIfNull(text);
        List<PipelineToken> tokens = _pipeline.Encode(text, addSpecialTokens, normalize: true, split: true, out List<Range> missing);
        int[] ids = new int[tokens.Count];
        string[] names = new string[tokens.Count];
        Range[] offsets = new Range[tokens.Count];
        for (int i = 0; i < ids.Length; i++)
            (ids[i], names[i], offsets[i]) = (tokens[i].Id, _tokens[tokens[i].Id], tokens[i].Start..tokens[i].End);
        return new EncodedText(text, ids, names, offsets, missing);
    }

    /// <inheritdoc/>
    /// <remarks>Special tokens are added, as the file says.</remarks>
    protected override EncodeResults<EncodedToken> EncodeToTokens(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
    {
        text ??= textSpan.ToString();
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(settings.MaxTokenCount);
        List<PipelineToken> tokens = _pipeline.Encode(
            text, addSpecialTokens: true, settings.ConsiderNormalization, settings.ConsiderPreTokenization, out _);
        int count = Math.Min(tokens.Count, settings.MaxTokenCount);
        // The tokens of one character stay together.
        while (count > 0 && count < tokens.Count && tokens[count].Start < tokens[count - 1].End && tokens[count].End > 0)
            count--;
        return new EncodeResults<EncodedToken>
        {
            Tokens = [.. tokens.Take(count).Select(token => new EncodedToken(token.Id, _tokens[token.Id], token.Start..token.End))],
            CharsConsumed = count == tokens.Count ? text.Length : tokens.Take(count).Select(token => token.End).DefaultIfEmpty().Max(),
        };
    }

    /// <inheritdoc/>
    protected override int GetIndexByTokenCount(
        string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings, bool fromEnd, out string? normalizedText, out int tokenCount)
    {
        text ??= textSpan.ToString();
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(settings.MaxTokenCount);
        normalizedText = null;
        if (!fromEnd)
        {
            EncodeResults<EncodedToken> head = EncodeToTokens(text, default, settings);
            tokenCount = head.Tokens.Count;
            return head.CharsConsumed;
        }
        IReadOnlyList<EncodedToken> tokens = EncodeToTokens(text, default, settings with { MaxTokenCount = int.MaxValue }).Tokens;
        int start = Math.Max(0, tokens.Count - settings.MaxTokenCount);
        while (start > 0 && start < tokens.Count && tokens[start].Offset.Start.Value < End(tokens[start - 1]) && End(tokens[start]) > 0)
            start++;
        tokenCount = tokens.Count - start;
        if (start == 0)
            return 0;
        // Tokens that were added around the text cover nothing, so that the cut is at the text's end.
        if (tokens.Skip(start).All(token => End(token) == 0))
            return text.Length;
        // A token need not cover its own spaces, so the kept part begins at the end of the rest.
        return tokens.Take(start).Max(End);

        static int End(EncodedToken token) => token.Offset.End.Value;
    }

    /// <inheritdoc/>
    /// <remarks>Special tokens are kept; an id that is not in the vocabulary gives no text.</remarks>
    public override string Decode(IEnumerable<int> ids) => Decode(ids, skipSpecialTokens: false);

    /// <summary>The text of token ids.</summary>
    /// <param name="ids">The ids; one that is not in the vocabulary gives no text.</param>
    /// <param name="skipSpecialTokens">Whether special tokens are left out.</param>
    public string Decode(IEnumerable<int> ids, bool skipSpecialTokens)
    {
        ArgumentNullException.ThrowIfNull(ids);
        IEnumerable<string> tokens = ids.Select(IdToToken).OfType<string>();
        return _pipeline.Decode(skipSpecialTokens ? tokens.Where(token => !SpecialTokens.ContainsKey(token)) : tokens);
    }

    /// <inheritdoc/>
    public override OperationStatus Decode(IEnumerable<int> ids, Span<char> destination, out int idsConsumed, out int charsWritten)
    {
        ArgumentNullException.ThrowIfNull(ids);
        int[] all = [.. ids];
        string text = Decode(all);
        bool fits = text.AsSpan().TryCopyTo(destination);
        (idsConsumed, charsWritten) = fits ? (all.Length, text.Length) : (0, 0);
        return fits ? OperationStatus.Done : OperationStatus.DestinationTooSmall;
    }
}

/// <summary>A text as tokens. Element <c>i</c> of each list belongs to token <c>i</c>.</summary>
/// <param name="Text">The text.</param>
/// <param name="Ids">The token ids.</param>
/// <param name="Tokens">Each token as the vocabulary writes it (GPT-2's <c>ĠMary</c>, Llama's <c>▁Mary</c>).</param>
/// <param name="Offsets">
/// The part of <paramref name="Text"/> that each token stands for, in UTF-16 units, so that <c>Text[Offsets[i]]</c> is its text. The
/// tokens of one character cut into bytes each cover that whole character; tokens that were added around the text cover <c>0..0</c>.
/// </param>
/// <param name="Missing">
/// The parts of <paramref name="Text"/> without a token, because the vocabulary has neither their characters or bytes nor an unknown token.
/// The ids lack them, as in the reference implementation. Nearly always empty. White space that the tokenizer drops by rule is not listed.
/// </param>
public sealed record EncodedText(
    string Text, IReadOnlyList<int> Ids, IReadOnlyList<string> Tokens, IReadOnlyList<Range> Offsets, IReadOnlyList<Range> Missing);
