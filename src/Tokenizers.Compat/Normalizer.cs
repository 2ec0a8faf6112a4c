namespace Microsoft.ML.Tokenizers;

/// <summary>Rewrites a text before it is split and encoded.</summary>
public abstract class Normalizer
{
    /// <summary>The normal form of a text.</summary>
    public abstract string Normalize(string original);

    /// <summary>The normal form of a text.</summary>
    public abstract string Normalize(ReadOnlySpan<char> original);
}
