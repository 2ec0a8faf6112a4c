namespace Microsoft.ML.Tokenizers;

/// <summary>One token of an encoded text.</summary>
public readonly struct EncodedToken : IEquatable<EncodedToken>
{
    /// <summary>Makes a token.</summary>
    /// <param name="id">Its id in the vocabulary.</param>
    /// <param name="value">Its text in the vocabulary.</param>
    /// <param name="offset">The part of the encoded text that it stands for.</param>
    public EncodedToken(int id, string value, Range offset)
    {
        Id = id;
        Value = value;
        Offset = offset;
    }

    /// <summary>The token's id in the vocabulary.</summary>
    public int Id { get; }

    /// <summary>The token's text in the vocabulary.</summary>
    public string Value { get; }

    /// <summary>The part of the encoded text that the token stands for.</summary>
    public Range Offset { get; }

    /// <inheritdoc/>
    public bool Equals(EncodedToken other) => Id == other.Id && Value == other.Value && Offset.Equals(other.Offset);
}
