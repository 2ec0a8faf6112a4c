using Microsoft.ML.Tokenizers;

namespace Interventions.Features;

/// <summary>Text as token contexts of one length at most, read as it is asked for.</summary>
public sealed class Corpus
{
    private Corpus(IEnumerable<IReadOnlyList<long>> contexts, Tokenizer? tokenizer)
    {
        Contexts = contexts;
        Tokenizer = tokenizer;
    }

    /// <summary>The contexts, each a list of token ids; they can be gone through several times, with the same result.</summary>
    public IEnumerable<IReadOnlyList<long>> Contexts { get; }

    /// <summary>What makes text of token ids; none for a corpus of tokens.</summary>
    public Tokenizer? Tokenizer { get; }

    /// <summary>Contexts that are tokens already.</summary>
    public static Corpus OfTokens(IEnumerable<IReadOnlyList<long>> contexts, Tokenizer? tokenizer = null)
    {
        ArgumentNullException.ThrowIfNull(contexts);
        return new(contexts, tokenizer);
    }
}
