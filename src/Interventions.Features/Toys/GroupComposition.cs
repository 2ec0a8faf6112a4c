using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>
/// What a model that multiplies a group's elements knows: logits(c) ≈ Σ_ρ α_ρ tr ρ(a b c⁻¹), over irreducible representations ρ
/// (Chughtai et al. 2023, arXiv:2302.03025). Addition modulo p is the group <see cref="FiniteGroup.Cyclic"/>, and its representations are
/// frequencies. Pairs (a, b) are rows a·n + b.
/// </summary>
public static class GroupComposition
{
    /// <summary>The product of every pair, <c>[n²]</c>, int64: the right answers.</summary>
    /// <param name="group">The group.</param>
    /// <param name="device">Default: the CPU.</param>
    public static Tensor Products(FiniteGroup group, Device? device = null)
    {
        ArgumentNullException.ThrowIfNull(group);
        return tensor(Pairs(group).Select(pair => (long)group.Product(pair.A, pair.B)).ToArray(), device: device ?? CPU);
    }

    /// <summary>The logits of an algorithm in closed form: tr ρ(a b c⁻¹), which is largest where c = ab if ρ is faithful.</summary>
    /// <param name="group">The group.</param>
    /// <param name="irrep">One of its representations.</param>
    /// <returns><c>[n², n]</c>, float64: pair, c.</returns>
    public static Tensor TraceLogits(FiniteGroup group, Irrep irrep)
    {
        Check(group, [irrep]);
        double[] characters = [.. Enumerable.Range(0, group.Order).Select(irrep.Character)];
        return tensor(Quotients(group).Select(element => characters[element]).ToArray()).reshape(-1, group.Order);
    }

    /// <summary>
    /// How much logits are like each representation's: the cosine between them, each pair's mean over c taken away, and tr ρ(a b c⁻¹). 0
    /// for the trivial representation, whose logits are equal.
    /// </summary>
    /// <param name="logits">On all pairs, <c>[n², n]</c>.</param>
    /// <param name="group">The group.</param>
    /// <returns>By the group's representations, in their order.</returns>
    public static IReadOnlyList<double> Scores(Tensor logits, FiniteGroup group)
    {
        Check(logits, group);
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        Tensor rows = logits.to(ScalarType.Float64).cpu(), centred = rows.sub(rows.mean([1L], keepdim: true));
        // Characters depend on a b c⁻¹ alone, so the products with them are sums over the entries of each element.
        double[] sums = [.. zeros(group.Order, dtype: ScalarType.Float64)
            .scatter_add(0, tensor(Quotients(group).Select(element => (long)element).ToArray()), centred.flatten()).data<double>()];
        double length = centred.norm().item<double>();
        return
        [
            .. group.Irreps.Select(irrep =>
            {
                if (irrep.IsTrivial || length == 0)
                    return 0;
                double[] characters = [.. Enumerable.Range(0, group.Order).Select(irrep.Character)];
                double size = group.Order * Math.Sqrt(characters.Sum(character => character * character));
                return sums.Zip(characters, (sum, character) => sum * character).Sum() / (size * length);
            }),
        ];
    }

    /// <summary>The representations that logits are made of: those whose score is above a threshold.</summary>
    /// <param name="logits">On all pairs, <c>[n², n]</c>.</param>
    /// <param name="group">The group.</param>
    /// <param name="threshold">The threshold.</param>
    public static IReadOnlyList<Irrep> KeyIrreps(Tensor logits, FiniteGroup group, double threshold = 0.005) =>
        [.. group.Irreps.Zip(Scores(logits, group)).Where(irrep => irrep.Second > threshold).Select(irrep => irrep.First)];

    /// <summary>
    /// Functions of pairs that representations are made of: the entries of ρ(ab), as an orthonormal basis. Of addition modulo p these are
    /// cos w_k (a + b) and sin w_k (a + b).
    /// </summary>
    /// <param name="group">The group.</param>
    /// <param name="irreps">Its representations.</param>
    /// <returns><c>[n², direction]</c>, float64.</returns>
    public static Tensor Directions(FiniteGroup group, IEnumerable<Irrep> irreps)
    {
        Irrep[] all = [.. irreps];
        Check(group, all);
        List<double[]> basis = [];
        foreach (Irrep irrep in all)
            for (int row = 0; row < irrep.Dimension; row++)
                for (int column = 0; column < irrep.Dimension; column++)
                    AddTo(basis, [.. Enumerable.Range(0, group.Order).Select(element => irrep[element, row, column])]);
        // Every element is the product of as many pairs as there are elements.
        double size = 1 / Math.Sqrt(group.Order);
        return tensor(Pairs(group).SelectMany(pair => basis.Select(function => function[group.Product(pair.A, pair.B)] * size)).ToArray())
            .reshape((long)group.Order * group.Order, basis.Count);
    }

    /// <summary>The part of values on pairs that lies in some directions.</summary>
    /// <param name="values">Logits, or hidden values, of all pairs: <c>[n², …]</c>.</param>
    /// <param name="directions">Orthonormal functions of pairs, <c>[n², direction]</c>.</param>
    /// <returns>In float64.</returns>
    public static Tensor Part(Tensor values, Tensor directions)
    {
        ArgumentNullException.ThrowIfNull(values);
        ArgumentNullException.ThrowIfNull(directions);
        using DisposeScope scope = NewDisposeScope();
        Tensor columns = values.to(ScalarType.Float64).reshape(values.shape[0], -1), along = directions.to(columns.device);
        return along.matmul(along.t().matmul(columns)).reshape(values.shape).MoveToOuterDisposeScope();
    }

    internal static void Check(Tensor logits, FiniteGroup group)
    {
        ArgumentNullException.ThrowIfNull(logits);
        ArgumentNullException.ThrowIfNull(group);
        if (!logits.shape.AsSpan().SequenceEqual([(long)group.Order * group.Order, group.Order]))
            throw new ArgumentException(
                $"Logits of {group.Name} are of all pairs, [{group.Order * group.Order}, {group.Order}], and these are "
                + $"{Shapes.Describe(logits)}.", nameof(logits));
    }

    private static void Check(FiniteGroup group, IEnumerable<Irrep> irreps)
    {
        ArgumentNullException.ThrowIfNull(group);
        foreach (Irrep irrep in irreps)
            if (!group.Irreps.Contains(irrep))
                throw new ArgumentException($"{irrep} is no representation of {group.Name}.", nameof(irreps));
    }

    /// <summary>Adds a function to an orthonormal basis, unless it is a sum of those that are there.</summary>
    private static void AddTo(List<double[]> basis, double[] function)
    {
        double before = Math.Sqrt(function.Sum(value => value * value));
        foreach (double[] known in basis)
        {
            double along = known.Zip(function, (one, other) => one * other).Sum();
            function = [.. function.Zip(known, (value, one) => value - (along * one))];
        }
        double length = Math.Sqrt(function.Sum(value => value * value));
        if (length > 1e-6 * before)
            basis.Add([.. function.Select(value => value / length)]);
    }

    private static IEnumerable<(int A, int B)> Pairs(FiniteGroup group) =>
        Enumerable.Range(0, group.Order).SelectMany(a => Enumerable.Range(0, group.Order).Select(b => (a, b)));

    /// <summary>a b c⁻¹ of every pair and c.</summary>
    private static IEnumerable<int> Quotients(FiniteGroup group) => Pairs(group).SelectMany(pair =>
        Enumerable.Range(0, group.Order).Select(c => group.Product(group.Product(pair.A, pair.B), group.Inverse(c))));
}
