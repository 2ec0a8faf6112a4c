using Microsoft.ML.Tokenizers;

namespace Interventions.Features;

/// <summary>How the tokens of documents become contexts.</summary>
/// <param name="Length">The most tokens of a context.</param>
/// <param name="IsPacked">Whether a context holds several documents.</param>
/// <param name="Beginning">The token in front of each context.</param>
/// <param name="Separator">The token between documents.</param>
internal sealed record ContextCutting(int Length, bool IsPacked, long? Beginning, long? Separator)
{
    /// <exception cref="ArgumentException">The tokenizer lacks a token, or a separator would part nothing.</exception>
    public static ContextCutting Of(CorpusOptions options, Tokenizer tokenizer)
    {
        if (!options.Packed && options.Separator is not null)
            throw new ArgumentException(
                $"{nameof(CorpusOptions)}.{nameof(CorpusOptions.Separator)} stands between the documents of a packed context, and "
                + $"{nameof(CorpusOptions.Packed)} is false: leave it out.");
        return new ContextCutting(
            options.ContextLength, options.Packed, options.Beginning.In(tokenizer), (options.Separator ?? options.Beginning).In(tokenizer));
    }

    /// <summary>The contexts of documents, each a sequence of tokens that is gone through once, as far as it is needed.</summary>
    public IEnumerable<IReadOnlyList<long>> Cut(IEnumerable<IEnumerable<long>> documents) =>
        IsPacked ? Packed(documents) : documents.Select(Begun).Where(context => context.Length > 0);

    /// <inheritdoc/>
    public override string ToString() =>
        $"contexts of {Length} tokens, {(IsPacked ? "packed" : "one a document")}, beginning with {Named(Beginning)}"
        + (IsPacked ? $", documents parted by {Named(Separator)}" : "");

    private IEnumerable<IReadOnlyList<long>> Packed(IEnumerable<IEnumerable<long>> documents)
    {
        List<long> context = new(Length);
        foreach (IEnumerable<long> document in documents)
        {
            bool isFirst = true;
            foreach (long token in document)
            {
                if (isFirst && context.Count > 0 && Separator is long separator && separator != token)
                {
                    context.Add(separator);
                    if (context.Count == Length)
                        yield return Taken();
                }
                if (context.Count == 0 && Beginning is long beginning && beginning != token)
                    context.Add(beginning);
                context.Add(token);
                isFirst = false;
                if (context.Count == Length)
                    yield return Taken();
            }
        }
        if (context.Count > 0)
            yield return Taken();

        long[] Taken()
        {
            long[] taken = [.. context];
            context.Clear();
            return taken;
        }
    }

    /// <summary>The beginning of a document; nothing of an empty one.</summary>
    private long[] Begun(IEnumerable<long> document)
    {
        long[] tokens = [.. document.Take(Length)];
        return tokens.Length == 0 || Beginning is not long beginning || tokens[0] == beginning
            ? tokens
            : [beginning, .. tokens.Take(Length - 1)];
    }

    private static string Named(long? token) => token is long id ? $"token {id}" : "none";
}
