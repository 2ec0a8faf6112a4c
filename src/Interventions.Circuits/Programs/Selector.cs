using System.Collections.Immutable;

namespace Interventions.Circuits;

/// <summary>
/// Which earlier positions, or the own one, a position looks at: those with the largest score, all of them equally. A score counts the
/// predicates that hold, each times its weight: <c>2 * same - 2 * self + start</c>.
/// </summary>
public sealed class Selector
{
    private Selector(ImmutableArray<SelectorTerm> terms) => Terms = terms;

    /// <summary>Every position up to the own one.</summary>
    public static Selector All { get; } = new([]);

    internal ImmutableArray<SelectorTerm> Terms { get; }

    /// <summary>The keys that fit to the query: 1 where the predicate holds, and 0 elsewhere.</summary>
    /// <param name="keys">What is known at the positions that are looked at.</param>
    /// <param name="queries">What is known at the position that looks.</param>
    /// <param name="predicate">Of a key and a query.</param>
    public static Selector Of<TKey, TQuery>(
        ProgramVariable<TKey> keys, ProgramVariable<TQuery> queries, Func<TKey, TQuery, bool> predicate)
        where TKey : notnull
        where TQuery : notnull
    {
        ArgumentNullException.ThrowIfNull(keys);
        ArgumentNullException.ThrowIfNull(queries);
        ArgumentNullException.ThrowIfNull(predicate);
        double[,] scores = new double[queries.Size, keys.Size];
        for (int query = 0; query < queries.Size; query++)
            for (int key = 0; key < keys.Size; key++)
                scores[query, key] = predicate(keys.Values[key], queries.Values[query]) ? 1 : 0;
        return new Selector([new SelectorTerm(keys, queries, scores)]);
    }

    /// <summary>The keys for which a predicate holds, whatever the position that looks knows.</summary>
    /// <param name="keys">What is known at the positions that are looked at.</param>
    /// <param name="predicate">Of a key.</param>
    public static Selector Of<TKey>(ProgramVariable<TKey> keys, Func<TKey, bool> predicate)
        where TKey : notnull
    {
        ArgumentNullException.ThrowIfNull(keys);
        ArgumentNullException.ThrowIfNull(predicate);
        double[,] scores = new double[1, keys.Size];
        for (int key = 0; key < keys.Size; key++)
            scores[0, key] = predicate(keys.Values[key]) ? 1 : 0;
        return new Selector([new SelectorTerm(keys, null, scores)]);
    }

    /// <summary>The sum of both scores.</summary>
    public static Selector operator +(Selector left, Selector right)
    {
        ArgumentNullException.ThrowIfNull(left);
        ArgumentNullException.ThrowIfNull(right);
        return new Selector([.. left.Terms, .. right.Terms]);
    }

    /// <summary>The first score less the second.</summary>
    public static Selector operator -(Selector left, Selector right) => left + (-1 * right);

    /// <summary>A score with another weight.</summary>
    public static Selector operator *(double weight, Selector selector)
    {
        ArgumentNullException.ThrowIfNull(selector);
        return new Selector([.. selector.Terms.Select(term => term.Times(weight))]);
    }
}

/// <summary>A bilinear part of a selector's score.</summary>
/// <param name="Keys">What is known where one looks.</param>
/// <param name="Queries">What is known where one looks from; null where that does not matter.</param>
/// <param name="Scores"><c>[query, key]</c>, by value; of one query where that does not matter.</param>
internal sealed record SelectorTerm(ProgramVariable Keys, ProgramVariable? Queries, double[,] Scores)
{
    /// <summary>How many coordinates of a head it needs: one for each value of the shorter side.</summary>
    public int Width => Queries is null ? 1 : Math.Min(Keys.Size, Queries.Size);

    /// <summary>Whether a head's keys are copies, and its queries have the table; otherwise it is the other way round.</summary>
    public bool CopiesKeys => Queries is not null && Width == Keys.Size;

    /// <summary>The score of shares of keys for shares of queries.</summary>
    public double Of(ReadOnlySpan<double> keys, ReadOnlySpan<double> queries)
    {
        double sum = 0;
        for (int query = 0; query < Scores.GetLength(0); query++)
            for (int key = 0; key < keys.Length; key++)
                sum += Scores[query, key] * keys[key] * (Queries is null ? 1 : queries[query]);
        return sum;
    }

    public SelectorTerm Times(double weight)
    {
        double[,] scores = new double[Scores.GetLength(0), Scores.GetLength(1)];
        for (int query = 0; query < scores.GetLength(0); query++)
            for (int key = 0; key < scores.GetLength(1); key++)
                scores[query, key] = weight * Scores[query, key];
        return this with { Scores = scores };
    }
}
