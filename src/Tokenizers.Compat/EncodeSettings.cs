namespace Microsoft.ML.Tokenizers;

/// <summary>How to encode.</summary>
public struct EncodeSettings
{
    /// <summary>No normalization, no pre-tokenization, no limit.</summary>
    public EncodeSettings() => MaxTokenCount = int.MaxValue;

    /// <summary>Whether the text is normalized first.</summary>
    public bool ConsiderNormalization { get; set; }

    /// <summary>Whether the text is split into words first.</summary>
    public bool ConsiderPreTokenization { get; set; }

    /// <summary>The largest number of tokens wanted.</summary>
    public int MaxTokenCount { get; set; }
}
