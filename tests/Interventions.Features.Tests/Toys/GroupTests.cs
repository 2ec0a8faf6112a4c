using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features.Tests.Toys;

/// <summary>Groups are groups, their representations are all there are, and logits in closed form multiply.</summary>
public sealed class GroupTests : IDisposable
{
    private const double Tolerance = 1e-9;

    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    public static TheoryData<string> Names => ["Z2", "Z7", "Z8", "D3", "D4", "D7", "S2", "S3", "S4"];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_group_is_one(string name)
    {
        FiniteGroup group = FiniteGroup.Named(name);
        int[] all = [.. Enumerable.Range(0, group.Order)];
        foreach (int a in all)
        {
            Assert.Equal((a, a, 0, 0), (
                group.Product(0, a), group.Product(a, 0), group.Product(a, group.Inverse(a)), group.Product(group.Inverse(a), a)));
            Assert.Equal(all, all.Select(b => group.Product(a, b)).Order());
        }
        Random random = new(1);
        for (int i = 0; i < 500; i++)
        {
            (int a, int b, int c) = (random.Next(group.Order), random.Next(group.Order), random.Next(group.Order));
            Assert.Equal(group.Product(group.Product(a, b), c), group.Product(a, group.Product(b, c)));
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Its_representations_are_all_that_there_are(string name)
    {
        FiniteGroup group = FiniteGroup.Named(name);
        Assert.True(group.Irreps[0].IsTrivial);
        Assert.DoesNotContain(group.Irreps.Skip(1), irrep => irrep.IsTrivial);
        double squares = 0;
        foreach (Irrep irrep in group.Irreps)
        {
            Tensor matrices = irrep.Matrices();
            Tensor products = matrices.unsqueeze(1).matmul(matrices.unsqueeze(0)).flatten(0, 1);
            Near(matrices[GroupComposition.Products(group)], products);
            Near(
                eye(irrep.Dimension, dtype: ScalarType.Float64).expand(matrices.shape),
                matrices.matmul(matrices.transpose(1, 2))); // orthogonal
            Assert.Equal(
                irrep.Character(group.Order - 1), matrices[-1].diagonal().sum().item<double>(), Tolerance);
            // 1, or 2 where the matrices are two representations over the complex numbers.
            double kind = Enumerable.Range(0, group.Order).Sum(element => Math.Pow(irrep.Character(element), 2)) / group.Order;
            Assert.Equal(Math.Round(kind), kind, Tolerance);
            squares += irrep.Dimension * irrep.Dimension / kind;
            foreach (Irrep other in group.Irreps.Where(other => other != irrep))
                Assert.Equal(
                    0, Enumerable.Range(0, group.Order).Sum(element => irrep.Character(element) * other.Character(element)), Tolerance);
        }
        Assert.Equal(group.Order, squares, Tolerance);
    }

    /// <summary>Dimensions are those of Young's tableaux, and characters those of the published table.</summary>
    [Fact]
    public void Five_things_have_the_published_characters()
    {
        FiniteGroup group = FiniteGroup.Symmetric(5);
        Assert.Equal([1, 4, 5, 6, 5, 4, 1], group.Irreps.Select(irrep => irrep.Dimension));
        int exchange = Enumerable.Range(1, 119).First(element =>
            group.Product(element, element) == 0 && group.Irreps[1].Character(element) > 1);
        Assert.Equal([1, 2, 1, 0, -1, -2, -1], group.Irreps.Select(irrep => Math.Round(irrep.Character(exchange), 9)));
    }

    [Fact]
    public void The_triangle_turns_as_three_things_are_put_in_order()
    {
        FiniteGroup triangle = FiniteGroup.Dihedral(3), three = FiniteGroup.Symmetric(3);
        Assert.Equal(Characters(three), Characters(triangle));
        Assert.Equal("S3: 6 elements, irreps 3 (1-dimensional), 2+1 (2-dimensional), 1+1+1 (1-dimensional)", $"{three}");
        Assert.Equal([false, true, false], three.Irreps.Select(irrep => irrep.IsFaithful));

        static string[] Characters(FiniteGroup group) => [.. group.Irreps.Select(irrep =>
            string.Join(' ', Enumerable.Range(0, 6).Select(element => Math.Round(irrep.Character(element))).Order())).Order()];
    }

    /// <summary>The product has the largest logit, by a faithful representation; for numbers modulo a prime by any wave.</summary>
    [Theory]
    [MemberData(nameof(Names))]
    public void Logits_in_closed_form_multiply(string name)
    {
        FiniteGroup group = FiniteGroup.Named(name);
        Tensor products = GroupComposition.Products(group);
        Assert.Contains(group.Irreps, irrep => irrep.IsFaithful);
        foreach (Irrep irrep in group.Irreps)
        {
            Tensor logits = GroupComposition.TraceLogits(group, irrep);
            Assert.Equal(irrep.IsFaithful, logits.argmax(-1).eq(products).all().item<bool>() && Gap(logits) > 1e-6);
            Assert.Equal(irrep.Dimension, logits.gather(-1, products.unsqueeze(-1)).min().item<double>(), Tolerance);
        }
        if (name == "Z7")
            Assert.All(group.Irreps.Skip(1), irrep => Assert.True(irrep.IsFaithful));

        static double Gap(Tensor logits)
        {
            Tensor best = logits.topk((int)Math.Min(2, logits.shape[1])).values;
            return (best.select(1, 0) - best.select(1, 1)).min().item<double>();
        }
    }

    /// <summary>Addition: traces are cosines of a + b − c.</summary>
    [Fact]
    public void Numbers_modulo_p_have_cosines()
    {
        const int p = 11;
        FiniteGroup group = FiniteGroup.Cyclic(p);
        Tensor number = arange(p, dtype: ScalarType.Float64);
        Tensor sum = (number.unsqueeze(1) + number.unsqueeze(0)).reshape(-1, 1) - number;
        for (int k = 1; k <= p / 2; k++)
            Near((sum * (2 * Math.PI * k / p)).cos() * 2, GroupComposition.TraceLogits(group, group.Irreps[k]));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Logits_are_recognised_and_taken_apart(string name)
    {
        FiniteGroup group = FiniteGroup.Named(name);
        using Generator generator = new(2);
        Irrep[] keys = [.. group.Irreps.Where((irrep, i) => !irrep.IsTrivial && i % 2 == 1)];
        Tensor logits = stack([.. keys.Select((irrep, i) => GroupComposition.TraceLogits(group, irrep) * (i + 1))]).sum([0L])
            + (5 * randn([(long)group.Order * group.Order, 1], ScalarType.Float64, generator: generator)); // of each pair
        IReadOnlyList<double> scores = GroupComposition.Scores(logits, group);
        Assert.Equal(keys, GroupComposition.KeyIrreps(logits, group));
        Assert.Equal(1, scores.Sum(score => score * score), Tolerance);
        Assert.All(group.Irreps.Zip(scores), pair => Assert.Equal(keys.Contains(pair.First), pair.Second > Tolerance));

        Tensor directions = GroupComposition.Directions(group, keys), random = randn_like(logits);
        Near(eye(directions.shape[1], dtype: ScalarType.Float64), directions.t().matmul(directions));
        Tensor part = GroupComposition.Part(random, directions);
        Near(part, GroupComposition.Part(part, directions));
        // What is left is orthogonal, and both together are the logits.
        Near(zeros_like(directions.t().matmul(random)), directions.t().matmul(random - part));
        Tensor ofProducts = stack([.. keys.Select(irrep => GroupComposition.TraceLogits(group, irrep))]).sum([0L]);
        Near(ofProducts, GroupComposition.Part(ofProducts, directions));
    }

    [Fact]
    public void Directions_of_a_wave_are_its_cosine_and_sine_of_the_sum()
    {
        const int p = 9;
        FiniteGroup group = FiniteGroup.Cyclic(p);
        Tensor number = arange(p, dtype: ScalarType.Float64);
        Tensor angle = (number.unsqueeze(1) + number.unsqueeze(0)).flatten() * (4 * Math.PI / p);
        Tensor expected = stack([angle.cos(), angle.sin()], 1) * (Math.Sqrt(2) / p);
        Tensor directions = GroupComposition.Directions(group, [group.Irreps[2]]);
        Near(expected.matmul(expected.t()), directions.matmul(directions.t()));
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        FiniteGroup group = FiniteGroup.Cyclic(5);
        Assert.Contains("[25, 5]", Assert.Throws<ArgumentException>(() => GroupComposition.Scores(zeros(5, 5), group)).Message);
        Irrep foreign = FiniteGroup.Cyclic(7).Irreps[1];
        Assert.Contains(
            "no representation of Z5", Assert.Throws<ArgumentException>(() => GroupComposition.TraceLogits(group, foreign)).Message);
    }

    [Theory]
    [InlineData("Q8")]
    [InlineData("S7")]
    [InlineData("Z")]
    public void Groups_that_there_are_not_are_refused(string name) =>
        Assert.Contains($"'{name}' is no group", Assert.Throws<ArgumentException>(() => FiniteGroup.Named(name)).Message);

    private static void Near(Tensor expected, Tensor actual) => Assert.InRange(Distance.Largest(actual, expected), 0, Tolerance);
}
