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
/// settings are not applied: every text is encoded whole. Offsets always point into the text that was given, so the results of the base
/// class carry no normalized text, and its normalizer and pre-tokenizer are <see langword="null"/>. Where a vocabulary has no token for
/// some text and no unknown token either, that text vanishes from the ids, as it does in the reference implementation;
/// <see cref="EncodedText.Missing"/> says so.
/// </remarks>
public sealed class HuggingFaceTokenizer : Tokenizer
{
    private readonly TokenizerPipeline _pipeline;
    private readonly Dictionary<string, int> _ids;
    private readonly Dictionary<int, string> _tokens;
    private readonly HashSet<int> _special;

    private HuggingFaceTokenizer(TokenizerPipeline pipeline, string folder)
    {
        _pipeline = pipeline;
        _ids = new(pipeline.Model.Vocabulary, StringComparer.Ordinal);
        foreach (var token in pipeline.AddedTokens) _ids[token.Content] = token.Id;
        _tokens = _ids.ToDictionary(pair => pair.Value, pair => pair.Key);

        var special = pipeline.AddedTokens.Where(token => token.Special).DistinctBy(token => token.Id).ToArray();
        SpecialTokens = special.ToDictionary(token => token.Content, token => token.Id, StringComparer.Ordinal);
        _special = [.. special.Select(token => token.Id)];

        var names = SpecialTokenNames.Read(folder, pipeline, IdToToken);
        BosId = Known(names.Bos);
        EosId = Known(names.Eos);
        PadId = Known(names.Pad);
        UnknownId = Known(pipeline.Model.UnknownToken);
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
        return new(TokenizerFile.Read(path, out string folder), folder);
    }

    // ---- the vocabulary -----------------------------------------------------------------------------------------

    /// <summary>How many tokens there are, added ones included. A model may have more rows than this: some are padded.</summary>
    public int VocabularySize => _ids.Count;

    /// <summary>All tokens and their ids, added ones included.</summary>
    public IReadOnlyDictionary<string, int> Vocabulary => _ids;

    /// <summary>The special tokens and their ids: those that decoding can skip.</summary>
    public IReadOnlyDictionary<string, int> SpecialTokens { get; }

    /// <summary>The token that begins a text, or <see langword="null"/>. Whether encoding adds it is for the file to decide.</summary>
    public int? BosId { get; }

    /// <summary>The token that ends a text, or <see langword="null"/>.</summary>
    public int? EosId { get; }

    /// <summary>The token that fills up shorter texts of a batch, or <see langword="null"/>.</summary>
    public int? PadId { get; }

    /// <summary>The token for what is not in the vocabulary, or <see langword="null"/>.</summary>
    public int? UnknownId { get; }

    /// <summary>The id of a token, written as the vocabulary does (GPT-2's <c>ĠMary</c>), or <see langword="null"/>.</summary>
    public int? TokenToId(string token) => _ids.TryGetValue(token, out int id) ? id : null;

    /// <summary>A token as the vocabulary writes it, or <see langword="null"/> if there is none with this id.</summary>
    public string? IdToToken(int id) => _tokens.GetValueOrDefault(id);

    // ---- encoding -----------------------------------------------------------------------------------------------

    /// <summary>Encodes a text.</summary>
    /// <param name="text">The text.</param>
    /// <param name="addSpecialTokens">Whether what the file puts around a text, such as a beginning of sentence, is added.</param>
    /// <exception cref="ArgumentException">The text has a surrogate without its partner.</exception>
    public EncodedText Encode(string text, bool addSpecialTokens = true)
    {
        ArgumentNullException.ThrowIfNull(text);
        var tokens = _pipeline.Encode(text, addSpecialTokens, normalize: true, split: true, out var missing);
        return new EncodedText(
            text,
            [.. tokens.Select(token => token.Id)],
            [.. tokens.Select(token => _tokens[token.Id])],
            [.. tokens.Select(token => token.Start..token.End)],
            missing);
    }

    /// <inheritdoc/>
    /// <remarks>Special tokens are added, as the file says.</remarks>
    protected override EncodeResults<EncodedToken> EncodeToTokens(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
    {
        text ??= textSpan.ToString();
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(settings.MaxTokenCount);
        var tokens = _pipeline.Encode(text, true, settings.ConsiderNormalization, settings.ConsiderPreTokenization, out _);
        int count = Math.Min(tokens.Count, settings.MaxTokenCount);
        // Never part of a character's tokens without the rest.
        while (count > 0 && count < tokens.Count && tokens[count].Start < tokens[count - 1].End && tokens[count].End > 0) count--;
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
            var head = EncodeToTokens(text, default, settings);
            tokenCount = head.Tokens.Count;
            return head.CharsConsumed;
        }
        var tokens = EncodeToTokens(text, default, settings with { MaxTokenCount = int.MaxValue }).Tokens;
        int start = Math.Max(0, tokens.Count - settings.MaxTokenCount);
        while (start > 0 && start < tokens.Count && tokens[start].Offset.Start.Value < tokens[start - 1].Offset.End.Value
            && tokens[start].Offset.End.Value > 0) start++;
        tokenCount = tokens.Count - start;
        if (start == 0) return 0;
        // Tokens that were added around the text cover nothing, and say nothing about where it is cut.
        if (tokens.Skip(start).All(token => token.Offset.End.Value == 0)) return text.Length;
        // A token need not cover its own spaces, so what is kept begins where the rest ends.
        return tokens.Take(start).Max(token => token.Offset.End.Value);
    }

    // ---- decoding -----------------------------------------------------------------------------------------------

    /// <inheritdoc/>
    /// <remarks>Special tokens are kept; an id that is not in the vocabulary gives no text.</remarks>
    public override string Decode(IEnumerable<int> ids) => Decode(ids, skipSpecialTokens: false);

    /// <summary>The text of token ids.</summary>
    /// <param name="ids">The ids; one that is not in the vocabulary gives no text.</param>
    /// <param name="skipSpecialTokens">Whether special tokens are left out.</param>
    public string Decode(IEnumerable<int> ids, bool skipSpecialTokens)
    {
        ArgumentNullException.ThrowIfNull(ids);
        return _pipeline.Decode(ids
            .Where(id => !(skipSpecialTokens && _special.Contains(id)))
            .Select(IdToToken)
            .OfType<string>());
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

    private int? Known(string? token) => token is null ? null : TokenToId(token);
}
