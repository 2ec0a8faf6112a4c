using System.Buffers;

namespace Microsoft.ML.Tokenizers;

/// <summary>
/// Turns text into token ids and back. A tokenizer has to give
/// <see cref="EncodeToTokens(string?, ReadOnlySpan{char}, EncodeSettings)"/> and
/// <see cref="Decode(IEnumerable{int}, Span{char}, out int, out int)"/>; everything else follows from these two.
/// </summary>
public abstract class Tokenizer
{
    /// <summary>For derived classes.</summary>
    protected Tokenizer()
    {
    }

    /// <summary>The pre-tokenizer in use, if it is exposed.</summary>
    public virtual PreTokenizer? PreTokenizer => null;

    /// <summary>The normalizer in use, if it is exposed.</summary>
    public virtual Normalizer? Normalizer => null;

    // ---- tokens -------------------------------------------------------------------------------------------------

    /// <summary>Encodes <paramref name="text"/>, or <paramref name="textSpan"/> where that is <see langword="null"/>.</summary>
    protected abstract EncodeResults<EncodedToken> EncodeToTokens(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings);

    /// <summary>The tokens of a text.</summary>
    public IReadOnlyList<EncodedToken> EncodeToTokens(
        string text, out string? normalizedText, bool considerPreTokenization = true, bool considerNormalization = true)
    {
        var result = EncodeToTokens(text, text, Settings(considerPreTokenization, considerNormalization));
        normalizedText = result.NormalizedText;
        return result.Tokens;
    }

    /// <summary>The tokens of a text.</summary>
    public IReadOnlyList<EncodedToken> EncodeToTokens(
        ReadOnlySpan<char> text, out string? normalizedText, bool considerPreTokenization = true, bool considerNormalization = true)
    {
        var result = EncodeToTokens(null, text, Settings(considerPreTokenization, considerNormalization));
        normalizedText = result.NormalizedText;
        return result.Tokens;
    }

    // ---- ids ----------------------------------------------------------------------------------------------------

    /// <summary>Encodes <paramref name="text"/>, or <paramref name="textSpan"/> where that is <see langword="null"/>, to ids alone.</summary>
    protected virtual EncodeResults<int> EncodeToIds(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
    {
        var result = EncodeToTokens(text, textSpan, settings);
        return new EncodeResults<int>
        {
            Tokens = [.. result.Tokens.Select(token => token.Id)],
            NormalizedText = result.NormalizedText,
            CharsConsumed = result.CharsConsumed,
        };
    }

    /// <summary>The token ids of a text.</summary>
    public IReadOnlyList<int> EncodeToIds(string text, bool considerPreTokenization = true, bool considerNormalization = true) =>
        EncodeToIds(text, text, Settings(considerPreTokenization, considerNormalization)).Tokens;

    /// <summary>The token ids of a text.</summary>
    public IReadOnlyList<int> EncodeToIds(
        ReadOnlySpan<char> text, bool considerPreTokenization = true, bool considerNormalization = true) =>
        EncodeToIds(null, text, Settings(considerPreTokenization, considerNormalization)).Tokens;

    /// <summary>The first <paramref name="maxTokenCount"/> token ids of a text.</summary>
    public IReadOnlyList<int> EncodeToIds(
        string text, int maxTokenCount, out string? normalizedText, out int charsConsumed,
        bool considerPreTokenization = true, bool considerNormalization = true)
    {
        var result = EncodeToIds(text, text, Settings(considerPreTokenization, considerNormalization, maxTokenCount));
        normalizedText = result.NormalizedText;
        charsConsumed = result.CharsConsumed;
        return result.Tokens;
    }

    /// <summary>The first <paramref name="maxTokenCount"/> token ids of a text.</summary>
    public IReadOnlyList<int> EncodeToIds(
        ReadOnlySpan<char> text, int maxTokenCount, out string? normalizedText, out int charsConsumed,
        bool considerPreTokenization = true, bool considerNormalization = true)
    {
        var result = EncodeToIds(null, text, Settings(considerPreTokenization, considerNormalization, maxTokenCount));
        normalizedText = result.NormalizedText;
        charsConsumed = result.CharsConsumed;
        return result.Tokens;
    }

    // ---- counting -----------------------------------------------------------------------------------------------

    /// <summary>How many tokens <paramref name="text"/>, or <paramref name="textSpan"/> where that is <see langword="null"/>, has.</summary>
    protected virtual int CountTokens(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings) =>
        EncodeToTokens(text, textSpan, settings).Tokens.Count;

    /// <summary>How many tokens a text has.</summary>
    public int CountTokens(string text, bool considerPreTokenization = true, bool considerNormalization = true) =>
        CountTokens(text, text, Settings(considerPreTokenization, considerNormalization));

    /// <summary>How many tokens a text has.</summary>
    public int CountTokens(ReadOnlySpan<char> text, bool considerPreTokenization = true, bool considerNormalization = true) =>
        CountTokens(null, text, Settings(considerPreTokenization, considerNormalization));

    /// <summary>Where to cut a text so that the part before (or, from the end, the part after) has at most so many tokens.</summary>
    protected virtual int GetIndexByTokenCount(
        string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings, bool fromEnd, out string? normalizedText, out int tokenCount)
    {
        int limit = settings.MaxTokenCount;
        if (fromEnd) settings.MaxTokenCount = int.MaxValue;    // the last tokens are known only once all are
        var result = EncodeToTokens(text, textSpan, settings);
        normalizedText = result.NormalizedText;
        tokenCount = Math.Min(limit, result.Tokens.Count);
        if (fromEnd)
            return tokenCount > 0 ? result.Tokens[^tokenCount].Offset.Start.Value : normalizedText?.Length ?? textSpan.Length;
        return tokenCount > 0 ? result.Tokens[tokenCount - 1].Offset.End.Value : 0;
    }

    /// <summary>The end of the longest beginning of a text that has at most so many tokens.</summary>
    public int GetIndexByTokenCount(
        string text, int maxTokenCount, out string? normalizedText, out int tokenCount,
        bool considerPreTokenization = true, bool considerNormalization = true) =>
        GetIndexByTokenCount(
            text, text, Settings(considerPreTokenization, considerNormalization, maxTokenCount), false, out normalizedText, out tokenCount);

    /// <summary>The end of the longest beginning of a text that has at most so many tokens.</summary>
    public int GetIndexByTokenCount(
        ReadOnlySpan<char> text, int maxTokenCount, out string? normalizedText, out int tokenCount,
        bool considerPreTokenization = true, bool considerNormalization = true) =>
        GetIndexByTokenCount(
            null, text, Settings(considerPreTokenization, considerNormalization, maxTokenCount), false, out normalizedText, out tokenCount);

    /// <summary>The start of the longest ending of a text that has at most so many tokens.</summary>
    public int GetIndexByTokenCountFromEnd(
        string text, int maxTokenCount, out string? normalizedText, out int tokenCount,
        bool considerPreTokenization = true, bool considerNormalization = true) =>
        GetIndexByTokenCount(
            text, text, Settings(considerPreTokenization, considerNormalization, maxTokenCount), true, out normalizedText, out tokenCount);

    /// <summary>The start of the longest ending of a text that has at most so many tokens.</summary>
    public int GetIndexByTokenCountFromEnd(
        ReadOnlySpan<char> text, int maxTokenCount, out string? normalizedText, out int tokenCount,
        bool considerPreTokenization = true, bool considerNormalization = true) =>
        GetIndexByTokenCount(
            null, text, Settings(considerPreTokenization, considerNormalization, maxTokenCount), true, out normalizedText, out tokenCount);

    private static EncodeSettings Settings(bool preTokenization, bool normalization, int limit = int.MaxValue) =>
        new() { ConsiderPreTokenization = preTokenization, ConsiderNormalization = normalization, MaxTokenCount = limit };

    // ---- text ---------------------------------------------------------------------------------------------------

    /// <summary>The text of token ids.</summary>
    /// <exception cref="ArgumentNullException">There are no ids.</exception>
    /// <exception cref="InvalidOperationException">The ids are not this tokenizer's.</exception>
    public virtual string Decode(IEnumerable<int> ids)
    {
        ArgumentNullException.ThrowIfNull(ids);
        for (int size = 256; ; size = checked(size * 2))
        {
            char[] destination = new char[size];
            var status = Decode(ids, destination, out _, out int charsWritten);
            if (status == OperationStatus.Done) return new string(destination, 0, charsWritten);
            if (status != OperationStatus.DestinationTooSmall) throw new InvalidOperationException("These token ids cannot be decoded.");
        }
    }

    /// <summary>Writes the text of token ids into <paramref name="destination"/>.</summary>
    /// <param name="ids">The ids.</param>
    /// <param name="destination">Where the text goes.</param>
    /// <param name="idsConsumed">How many ids the written text stands for.</param>
    /// <param name="charsWritten">The length of the written text.</param>
    public abstract OperationStatus Decode(IEnumerable<int> ids, Span<char> destination, out int idsConsumed, out int charsWritten);
}
