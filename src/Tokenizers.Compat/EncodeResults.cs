namespace Microsoft.ML.Tokenizers;

/// <summary>What encoding gave.</summary>
/// <typeparam name="T">What stands for a token: its id, or <see cref="EncodedToken"/>.</typeparam>
public struct EncodeResults<T>
{
    /// <summary>The tokens, in the order of the text.</summary>
    public IReadOnlyList<T> Tokens { get; set; }

    /// <summary>The text after normalization, if the tokenizer reports it; token offsets then point into this text.</summary>
    public string? NormalizedText { get; set; }

    /// <summary>How many characters of the text the tokens cover.</summary>
    public int CharsConsumed { get; set; }
}
