namespace Microsoft.ML.Tokenizers;

/// <summary>Splits a text into the words that are encoded one by one.</summary>
public abstract class PreTokenizer
{
    /// <summary>Where the words of a text begin, and how long they are.</summary>
    public abstract IEnumerable<(int Offset, int Length)> PreTokenize(string text);

    /// <summary>Where the words of a text begin, and how long they are.</summary>
    public abstract IEnumerable<(int Offset, int Length)> PreTokenize(ReadOnlySpan<char> text);
}
