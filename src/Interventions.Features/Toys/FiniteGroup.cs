using System.Collections.Immutable;
using System.Globalization;

namespace Interventions.Features;

/// <summary>
/// A finite group with its irreducible representations over the real numbers, of which networks that multiply its elements are made
/// (Chughtai et al. 2023, arXiv:2302.03025). Elements are numbers; 0 is the identity.
/// </summary>
public sealed class FiniteGroup
{
    private readonly int[,] _products;
    private readonly int[] _inverses;

    private FiniteGroup(string name, int order, Func<int, int, int> product)
    {
        Name = name;
        Order = order;
        _products = new int[order, order];
        _inverses = new int[order];
        for (int a = 0; a < order; a++)
        {
            for (int b = 0; b < order; b++)
            {
                _products[a, b] = product(a, b);
                if (_products[a, b] == 0)
                    _inverses[a] = b;
            }
        }
    }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>How many elements it has.</summary>
    public int Order { get; }

    /// <summary>Its irreducible representations; the first is the trivial one.</summary>
    public ImmutableArray<Irrep> Irreps { get; private init; } = [];

    /// <summary>The product of two elements.</summary>
    public int Product(int a, int b) => _products[a, b];

    /// <summary>The inverse of an element.</summary>
    public int Inverse(int a) => _inverses[a];

    /// <summary>
    /// Addition modulo n: representation k turns by 2πk / n, so that k is a frequency; n / 2, where there is one, is a sign.
    /// </summary>
    /// <param name="n">The modulus, 2 at least.</param>
    public static FiniteGroup Cyclic(int n)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(n, 2);
        FiniteGroup group = new($"Z{n}", n, (a, b) => (a + b) % n);
        return new FiniteGroup(group, Enumerable.Range(0, (n / 2) + 1).Select(k => group.Representation(
            $"{k}", (1, k == 0 || 2 * k == n ? Number(k == 0 ? 1 : -1) : Turn(k, n)))));
    }

    /// <summary>
    /// The turns and reflections of a polygon: n·j + i is i turns after j reflections. Representation k turns by 2πk / n; others are signs.
    /// S₃ is that of a triangle.
    /// </summary>
    /// <param name="n">How many corners, 3 at least.</param>
    public static FiniteGroup Dihedral(int n)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(n, 3);
        FiniteGroup group = new($"D{n}", 2 * n, (a, b) =>
            (n * ((a / n) ^ (b / n))) + ((((a % n) + (a < n ? b % n : n - (b % n))) % n)));
        Irrep Sign(string name, int turn, int reflection) => group.Representation(name, (1, Number(turn)), (n, Number(reflection)));
        return new FiniteGroup(group,
        [
            Sign("trivial", 1, 1), Sign("reflection", 1, -1),
            .. n % 2 == 0 ? [Sign("turn", -1, 1), Sign("both", -1, -1)] : (Irrep[])[],
            .. Enumerable.Range(1, (n - 1) / 2).Select(k =>
                group.Representation($"{k}", (1, Turn(k, n)), (n, new double[,] { { 1, 0 }, { 0, -1 } }))),
        ]);
    }

    /// <summary>
    /// All orders of n things, in lexicographic order; ab does b first. Representations are named by partitions of n, in Young's orthogonal
    /// form.
    /// </summary>
    /// <param name="n">How many things, from 2 to 6.</param>
    public static FiniteGroup Symmetric(int n)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(n, 2);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(n, 6);
        int[][] orders = [.. Orders([.. Enumerable.Range(0, n)])];
        Dictionary<string, int> numbers = orders.Index().ToDictionary(order => string.Concat(order.Item), order => order.Index);
        FiniteGroup group = new($"S{n}", orders.Length, (a, b) => numbers[string.Concat(orders[b].Select(thing => orders[a][thing]))]);
        // The exchanges of neighbours, of which all orders are products.
        int[] exchanges = [.. Enumerable.Range(0, n - 1).Select(i => numbers[string.Concat(
            Enumerable.Range(0, n).Select(thing => thing == i ? i + 1 : thing == i + 1 ? i : thing))])];
        return new FiniteGroup(group, YoungTableaux.Partitions(n).Select(partition => group.Representation(
            string.Join('+', partition), [.. exchanges.Zip(YoungTableaux.Exchanges(partition))])));
    }

    /// <summary>A group by its name: Z7 and D7 of <see cref="Cyclic"/> and <see cref="Dihedral"/>, S4 of <see cref="Symmetric"/>.</summary>
    /// <param name="name">The name.</param>
    /// <exception cref="ArgumentException">There is no such group.</exception>
    public static FiniteGroup Named(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        int n = int.TryParse(name.AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : 0;
        return (name[0], n) switch
        {
            ('Z', >= 2) => Cyclic(n),
            ('D', >= 3) => Dihedral(n),
            ('S', >= 2 and <= 6) => Symmetric(n),
            _ => throw new ArgumentException($"'{name}' is no group; there are Z2, Z3, …, D3, D4, …, and S2 to S6.", nameof(name)),
        };
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Name}: {Order} elements, irreps {string.Join(", ", Irreps)}";

    private FiniteGroup(FiniteGroup group, IEnumerable<Irrep> irreps)
        : this(group.Name, group.Order, group.Product) => Irreps = [.. irreps];

    private Irrep Representation(string name, params (int Element, double[,] Matrix)[] generators) => Irrep.Of(name, _products, generators);

    private static double[,] Number(double value) => new[,] { { value } };

    private static double[,] Turn(int k, int n)
    {
        (double sin, double cos) = Math.SinCos(2 * Math.PI * k / n);
        return new[,] { { cos, -sin }, { sin, cos } };
    }

    private static IEnumerable<int[]> Orders(int[] things) => things.Length == 0
        ? [[]]
        : things.SelectMany(first => Orders([.. things.Where(thing => thing != first)]).Select(rest => (int[])[first, .. rest]));
}
