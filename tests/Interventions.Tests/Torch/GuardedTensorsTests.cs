using Interventions.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Torch;

/// <summary>
/// Each trap of TorchSharp: what the guarded call does, and that the original still does something else, so that the guard is needed.
/// </summary>
public sealed class GuardedTensorsTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void Guarded_calls_are_the_arithmetic_that_they_say()
    {
        Tensor a = tensor(new double[] { 1, -2, 3 });
        Tensor b = tensor(new double[] { 4, 5, 6 });
        Tensor whole = tensor(new long[] { 1, -2, 3 });
        Tensor mask = tensor(new[] { true, false, true });
        Is([5, 3, 9], a.plus(b));
        Is([1.5, -1.5, 3.5], a.plus(0.5));
        Is([0.5, -1, 1.5], a.times(0.5));
        Is([2, -4, 6], a.over(0.5));
        Is([9, 8, 15], a.plus_product(b, tensor(2.0)));
        Is([-7, -12, -9], a.plus_product(b, tensor(2.0), -1));
        Is([1, 4, 9], a.squared());
        Is([1, 0, 3], a.at_least(0.0));
        Is([7, -2, 7], a.filled(mask, 7));
        Is([1, -2, 3], a);
        Is([5, 3, 9], a.clone().plus_(b));
        Is([9, 8, 15], a.clone().plus_(b, 2));
        Is([1.5, -1.5, 3.5], a.clone().plus_(0.5));
        Is([0.5, -1, 1.5], a.clone().times_(0.5));
        Is([-7, -12, -9], a.clone().plus_product_(b, tensor(2.0), -1));
        Is([5, 3, 9], a.clone().plus_quotient_(b.times(2), tensor(2.0)));
        Is([-1, -4.5, 0], a.clone().plus_quotient_(b, tensor(2.0), -1));
        Is([7, -2, 7], a.clone().filled_(mask, 7));
        Is([2, 3, 4], range(2, 5, CPU));
        Is([0, 3, 6], range(0, 7, CPU, 3));
        foreach (Tensor stays in new[]
            { whole.plus(2), whole.minus(2), whole.times(2), whole.at_least(0), whole.subtracted_from(1), range(0, 3, CPU) })
            Assert.Equal(ScalarType.Int64, stays.dtype);
        Is([-1, -4, 1], whole.minus(2));
        Is([0, 3, -2], whole.subtracted_from(1));
        Assert.Equal([false, true, false], whole.less_than(0).data<bool>().ToArray());
        Assert.Equal([true, false, true], whole.no_less_than(0).data<bool>().ToArray());
        Assert.Equal([true, false, true], a.no_less_than(0.5).data<bool>().ToArray());
        Assert.Equal([false, true, false], a.equal_to(-2).data<bool>().ToArray());
    }

    [Fact]
    public void A_batch_of_products_is_added_to_the_right_tensor()
    {
        Tensor input = randn(5, 3, 3, float64), first = randn(5, 3, 3, float64), second = randn(5, 3, 3, float64);
        Tensor expected = input.plus(first.bmm(second));
        Assert.True(input.plus_bmm(first, second).allclose(expected, 1e-12, 1e-12));
        // The trap: with shapes that allow it, another number and no word.
        Assert.False(input.baddbmm(first, second).allclose(expected, 1e-12, 1e-12));
    }

    [Fact]
    public void An_axis_is_split_from_the_end_too()
    {
        Tensor value = range(0, 24, CPU).view(2, 12);
        Assert.Equal([2, 3, 4], value.split_axis(-1, 3, 4).shape);
        Assert.Equal([2, 1, 12], value.split_axis(-2, 2, 1).shape);
        Assert.Equal([2, 3, 4], value.split_axis(1, 3, 4).shape);
        Assert.ThrowsAny<Exception>(() => value.unflatten(-1, 3, 4));
    }

    [Fact]
    public void A_tensor_moved_to_its_own_scope_stays_in_it()
    {
        long before = Tensor.TotalCount;
        Tensor kept;
        using (DisposeScope scope = NewDisposeScope())
        {
            kept = ones(3).moved_to(scope);
            Assert.True(scope.Contains(kept));
            Tensor elsewhere;
            using (NewDisposeScope())
                elsewhere = ones(3).moved_to(scope);
            Assert.True(scope.Contains(elsewhere));
            // The trap: it is in no scope any more, and its finaliser would end the process. Disposed of here, it does no harm.
            Tensor lost = ones(3);
            lost.MoveToOtherDisposeScope(scope);
            Assert.False(scope.Contains(lost));
            lost.Dispose();
        }
        Assert.True(kept.IsInvalid);
        Assert.Equal(before, Tensor.TotalCount);
    }

    [Fact]
    public void What_has_no_derivative_is_refused_or_zero()
    {
        Tensor leaf = ones(2, float64).requires_grad_(), other = ones(3, float64).requires_grad_();
        Tensor[] found = Derivatives.Of((leaf * leaf).sum(), leaf, other);
        Is([2, 2], found[0]);
        Is([0, 0, 0], found[1]);
        Is([0, 0], Derivatives.Of(ones(1, float64).sum(), leaf)[0]);
        Is([0, 0], Derivatives.Of(null, leaf)[0]);
        // Each of these would end the process in TorchSharp.
        Assert.Contains(
            "requires no gradient", Assert.Throws<ArgumentException>(() => Derivatives.Of(leaf.sum(), ones(2))).Message,
            StringComparison.Ordinal);
        Assert.Contains(
            "of one number, not of [2]", Assert.Throws<ArgumentException>(() => Derivatives.Of(leaf * leaf, leaf)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_product_does_not_depend_on_where_values_lie()
    {
        // The shape is one of those for which MKL adds up in another order when a row starts elsewhere.
        foreach ((long rows, long inner, long columns) in new[]
            { (10L, 11L, 28L), (2, 25, 19), (26, 28, 37), (13, 98, 39), (38, 19, 7), (24, 98, 9), (2, 95, 30) })
        {
            using DisposeScope scope = NewDisposeScope();
            foreach (ScalarType dtype in new[] { float32, float64 })
            {
                Tensor x = randn(rows, inner, dtype), w = randn(columns, inner, dtype), expected = nn.functional.linear(x, w);
                for (int offset = 1; offset < 12; offset++)
                    Assert.True(
                        nn.functional.linear(At(x, offset), At(w, offset * 7 % 16)).eq(expected).all().item<bool>(),
                        $"[{rows}, {inner}] @ [{inner}, {columns}] {dtype} at {offset}");
            }
        }

        static Tensor At(Tensor value, int offset) =>
            zeros(value.numel() + 16, value.dtype).narrow(0, offset, value.numel()).view(value.shape).copy_(value);
    }

    private static void Is(double[] expected, Tensor actual) =>
        Assert.Equal(expected, actual.detach().to(float64).data<double>().ToArray());
}
