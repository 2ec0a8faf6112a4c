using System.Collections.Immutable;

namespace Interventions.Models.Families;

/// <summary>Where a decoder's weights are stored.</summary>
/// <param name="ModelType">The family's name, for messages.</param>
/// <param name="Prefix">What files of the base model alone leave out of names.</param>
/// <param name="Weights">The place of every weight.</param>
/// <param name="Ignores">Whether another stored tensor, by name, can be left out.</param>
/// <param name="Twin">
/// If the unembedding is the embedding, the name under which it may be stored again, or alone; otherwise <see langword="null"/>.
/// </param>
internal sealed record StoredLayout(
    string ModelType, string Prefix, IEnumerable<WeightSource> Weights, Func<string, bool> Ignores, string? Twin);

/// <summary>Where a weight is stored.</summary>
/// <param name="Weight">The canonical name.</param>
/// <param name="Parts">The stored tensors that make it up, one below the other; those of a stack of matrices too.</param>
/// <param name="Transposed">Whether matrices are stored <c>[in, out]</c>.</param>
internal sealed record WeightSource(string Weight, ImmutableArray<WeightPart> Parts, bool Transposed);

/// <summary>A stored tensor.</summary>
/// <param name="Name">Its name, prefix included.</param>
/// <param name="Rows">How many of the weight's rows it holds; <see langword="null"/> for all.</param>
internal sealed record WeightPart(string Name, long? Rows)
{
    /// <summary>In which order the rows are stored; <see langword="null"/> for the weight's own.</summary>
    public RowOrder? Order { get; init; }

    /// <summary>Which of several weights of equal size the rows are that the tensor holds, and how many those are.</summary>
    public (int Index, int Count) Slot { get; init; } = (0, 1);

    /// <summary>What is added to the stored numbers.</summary>
    public double Offset { get; init; }

    /// <summary>The stored shape, where it has other axes than the weight.</summary>
    public long[]? Shape { get; init; }
}

/// <summary>
/// Rows that are stored as <c>[Outer, First, Second, …]</c> and that a weight has as <c>[Outer, Second, First, …]</c>.
/// </summary>
internal sealed record RowOrder(long Outer, long First, long Second);
