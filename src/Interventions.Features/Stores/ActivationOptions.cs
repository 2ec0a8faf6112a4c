using System.Collections.Immutable;
using Interventions.Models;
using Interventions.Tables;
using Microsoft.ML.Tokenizers;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>Which positions of contexts are left out: they are not stored, or a dictionary is not measured there.</summary>
public sealed record LeftOut
{
    /// <summary>Nothing is left out.</summary>
    public static LeftOut Nothing { get; } = new() { First = 0, Tokens = [] };

    /// <summary>
    /// How many positions at the beginning of each context. Default: 1, since in most models the first position's value is of another size
    /// than all others, whichever token stands there.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative.</exception>
    public int First
    {
        get;
        init => field = value >= 0
            ? value
            : throw new ArgumentOutOfRangeException(nameof(First), value, "A number of positions is not negative.");
    } = 1;

    /// <summary>
    /// The tokens whose positions are left out, such as padding. Default (<see langword="null"/>): the corpus's tokenizer's beginning and
    /// end of sentence and its padding, as far as it says which these are.
    /// </summary>
    public IReadOnlyList<long>? Tokens { get; init; }

    /// <summary>The same with the tokens of a corpus.</summary>
    internal PositionRule In(Corpus corpus) => new(First, [.. (Tokens ?? SpecialTokens(corpus.Tokenizer)).Distinct().Order()]);

    private static IReadOnlyList<long> SpecialTokens(Tokenizer? tokenizer) => tokenizer is HuggingFaceTokenizer own
        ? [.. ((int?[])[own.BosId, own.EosId, own.PadId]).OfType<int>().Select(id => (long)id)]
        : [];
}

/// <summary>Which positions are kept.</summary>
/// <param name="First">How many positions at the beginning of each context are left out.</param>
/// <param name="Tokens">The tokens whose positions are left out, ascending.</param>
internal sealed record PositionRule(int First, ImmutableArray<long> Tokens)
{
    /// <summary>The positions of a context that are kept, ascending.</summary>
    public IEnumerable<int> Kept(IReadOnlyList<long> context) =>
        Enumerable.Range(0, context.Count).Skip(First).Where(position => Tokens.BinarySearch(context[position]) < 0);

    /// <inheritdoc/>
    public override string ToString()
    {
        string[] parts =
        [
            .. First == 0 ? [] : (string[])[First == 1 ? "the first position" : $"the first {First} positions"],
            .. Tokens.IsEmpty ? [] : (string[])[$"{(Tokens.Length == 1 ? "token" : "tokens")} {string.Join(", ", Tokens)}"],
        ];
        return parts.Length == 0 ? "nothing" : string.Join(" and ", parts);
    }
}

/// <summary>Which of a model's values are taken, and how they are computed.</summary>
public abstract record ActivationOptions
{
    private protected ActivationOptions()
    {
    }

    /// <summary>
    /// The site whose values a transcoder reconstructs, at the same positions. Default (<see langword="null"/>): none; what is encoded is
    /// reconstructed.
    /// </summary>
    public string? Target { get; init; }

    /// <summary>The positions that are not taken. Default: the first one, and those of special tokens.</summary>
    public LeftOut LeftOut { get; init; } = new();

    /// <summary>How many contexts are computed together. Default: 32.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is less than one.</exception>
    public int BatchSize
    {
        get;
        init => field = value > 0
            ? value
            : throw new ArgumentOutOfRangeException(nameof(BatchSize), value, "A batch has at least one context.");
    } = 32;
}

/// <summary>How a store is filled.</summary>
public sealed record StoreOptions : ActivationOptions
{
    /// <summary>
    /// How many rows are wanted. The store has some more, since contexts that are computed together are stored together, and less where
    /// the corpus ends before. A store that is there may be asked for more later. Default (<see langword="null"/>): those of the whole
    /// corpus.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is less than one.</exception>
    public long? Rows
    {
        get;
        init => field = value is null or > 0
            ? value
            : throw new ArgumentOutOfRangeException(nameof(Rows), value, "A store has at least one row.");
    }

    /// <summary>The type of the stored numbers: float32, or half precision, <c>Float16</c> or <c>BFloat16</c>. Default: float32.</summary>
    /// <exception cref="ArgumentException">It is another.</exception>
    public ScalarType Type
    {
        get;
        init => field = value is ScalarType.Float32 or ScalarType.Float16 or ScalarType.BFloat16 or ScalarType.Float64
            ? value
            : throw new ArgumentException($"Rows are stored as floating-point numbers, and {value} is none.", nameof(Type));
    } = ScalarType.Float32;

    /// <summary>
    /// About how many bytes a file has: what is lost at most when the work is stopped, and what is held in memory meanwhile. Default: 64
    /// MiB.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is less than one.</exception>
    public long ShardBytes
    {
        get;
        init => field = value > 0
            ? value
            : throw new ArgumentOutOfRangeException(nameof(ShardBytes), value, "A file has at least one byte.");
    } = 64L << 20;

    /// <summary>
    /// Draws the order of the rows in each file, so that who reads a file from its beginning meets rows of many contexts.
    /// <see cref="ActivationStore.Batches"/> goes through the whole store in an order of its own. Default: 0.
    /// </summary>
    public long Seed { get; init; }

    /// <summary>Receives the progress after every batch of contexts.</summary>
    public IProgress<StoreProgress>? Progress { get; init; }
}

/// <summary>The progress of filling a store.</summary>
/// <param name="Contexts">How many contexts were read, of earlier calls too.</param>
/// <param name="Rows">How many rows there are.</param>
/// <param name="Wanted">How many are wanted; null for those of the whole corpus.</param>
public readonly record struct StoreProgress(long Contexts, long Rows, long? Wanted)
{
    /// <inheritdoc/>
    public override string ToString() =>
        $"{TextTable.Count(Rows, "row")}{(Wanted is long wanted ? $" of {wanted}" : "")} of {TextTable.Count(Contexts, "context")}";
}

/// <summary>How batches come straight from a model.</summary>
public sealed record StreamOptions : ActivationOptions
{
    /// <summary>
    /// How many rows are held and mixed: they are shuffled whenever half of them were given away and others came in their place. At least
    /// two batches. Default: 65,536.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is less than two.</exception>
    public int Buffer
    {
        get;
        init => field = value >= 2
            ? value
            : throw new ArgumentOutOfRangeException(nameof(Buffer), value, "A buffer holds at least two rows.");
    } = 1 << 16;
}
