// Banned calls are made in this room only.
#pragma warning disable RS0030
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Torch;

/// <summary>
/// Safe forms of TorchSharp's calls that have a trap, each under another name. All code of the repository uses these; the originals are
/// listed in <c>BannedSymbols.txt</c> and do not compile.
/// </summary>
/// <remarks>
/// The trap of most is a number. TorchSharp turns every number of a call into a <see cref="Scalar"/>, a native handle with a finaliser, and
/// does not keep it alive during the native call: a garbage collection may free it, and the call reads freed memory. The text may show no
/// number: <c>a + b</c> is <c>a.add(b, 1)</c> inside TorchSharp. Here a number is disposed after the call, which keeps it alive until then.
/// </remarks>
internal static class GuardedTensors
{
    /// <summary>The factor of <c>add</c>'s second argument. Never freed.</summary>
    private static readonly Scalar s_one = 1.ToScalar();

    /// <summary><c>a + b</c></summary>
    public static Tensor plus(this Tensor a, Tensor b) => a.add(b, s_one);

    /// <summary><c>a + number</c></summary>
    public static Tensor plus(this Tensor a, double number)
    {
        using Scalar held = number.ToScalar();
        return a.add(held, s_one);
    }

    /// <summary><c>a + number</c>, which leaves whole numbers whole.</summary>
    public static Tensor plus(this Tensor a, long number)
    {
        using Scalar held = number.ToScalar();
        return a.add(held, s_one);
    }

    /// <summary><c>a += b</c></summary>
    public static Tensor plus_(this Tensor a, Tensor b) => a.add_(b, s_one);

    /// <summary><c>a += factor * b</c></summary>
    public static Tensor plus_(this Tensor a, Tensor b, double factor)
    {
        using Scalar held = factor.ToScalar();
        return a.add_(b, held);
    }

    /// <summary><c>a += number</c></summary>
    public static Tensor plus_(this Tensor a, double number)
    {
        using Scalar held = number.ToScalar();
        return a.add_(held, s_one);
    }

    /// <summary><c>a - number</c>, which leaves whole numbers whole.</summary>
    public static Tensor minus(this Tensor a, long number) => a.plus(-number);

    /// <summary><c>number - a</c>, which leaves whole numbers whole.</summary>
    public static Tensor subtracted_from(this Tensor a, long number) => a.neg().plus(number);

    /// <summary><c>a * number</c></summary>
    public static Tensor times(this Tensor a, double number)
    {
        using Scalar held = number.ToScalar();
        return a.mul(held);
    }

    /// <summary><c>a * number</c>, which leaves whole numbers whole.</summary>
    public static Tensor times(this Tensor a, long number)
    {
        using Scalar held = number.ToScalar();
        return a.mul(held);
    }

    /// <summary><c>a *= number</c></summary>
    public static Tensor times_(this Tensor a, double number)
    {
        using Scalar held = number.ToScalar();
        return a.mul_(held);
    }

    /// <summary><c>a / number</c></summary>
    public static Tensor over(this Tensor a, double number)
    {
        using Scalar held = number.ToScalar();
        return a.div(held);
    }

    /// <summary><c>a + factor * b * c</c></summary>
    public static Tensor plus_product(this Tensor a, Tensor b, Tensor c, double factor = 1)
    {
        using Scalar held = factor.ToScalar();
        return addcmul(a, b, c, held);
    }

    /// <summary><c>a += factor * b * c</c></summary>
    public static Tensor plus_product_(this Tensor a, Tensor b, Tensor c, double factor = 1)
    {
        using Scalar held = factor.ToScalar();
        return a.addcmul_(b, c, held);
    }

    /// <summary><c>a += factor * b / c</c></summary>
    public static Tensor plus_quotient_(this Tensor a, Tensor b, Tensor c, double factor = 1)
    {
        using Scalar held = factor.ToScalar();
        return a.addcdiv_(b, c, held);
    }

    /// <summary><c>a * a</c></summary>
    public static Tensor squared(this Tensor a) => a.mul(a);

    /// <summary>The maximum of each value and a number.</summary>
    public static Tensor at_least(this Tensor a, double number)
    {
        using Scalar held = number.ToScalar();
        return a.clamp_min(held);
    }

    /// <summary>The maximum of each value and a number, which leaves whole numbers whole.</summary>
    public static Tensor at_least(this Tensor a, long number)
    {
        using Scalar held = number.ToScalar();
        return a.clamp_min(held);
    }

    /// <summary>True where a value equals a number.</summary>
    public static Tensor equal_to(this Tensor a, double number)
    {
        using Scalar held = number.ToScalar();
        return a.eq(held);
    }

    /// <summary>True where a value is no smaller than a number.</summary>
    public static Tensor no_less_than(this Tensor a, double number)
    {
        using Scalar held = number.ToScalar();
        return a.ge(held);
    }

    /// <summary>True where a whole number is no smaller than another.</summary>
    public static Tensor no_less_than(this Tensor a, long number)
    {
        using Scalar held = number.ToScalar();
        return a.ge(held);
    }

    /// <summary>True where a whole number is smaller than another.</summary>
    public static Tensor less_than(this Tensor a, long number)
    {
        using Scalar held = number.ToScalar();
        return a.lt(held);
    }

    /// <summary>A copy with a number where the mask is true.</summary>
    public static Tensor filled(this Tensor a, Tensor mask, double number)
    {
        using Scalar held = number.ToScalar();
        return a.masked_fill(mask, held);
    }

    /// <summary>Writes a number where the mask is true.</summary>
    public static Tensor filled_(this Tensor a, Tensor mask, double number)
    {
        using Scalar held = number.ToScalar();
        return a.masked_fill_(mask, held);
    }

    /// <summary>The whole numbers from one number up to another, without the latter.</summary>
    public static Tensor range(long from, long to, Device device, long step = 1)
    {
        using Scalar first = from.ToScalar(), end = to.ToScalar(), held = step.ToScalar();
        return arange(first, end, held, ScalarType.Int64, device);
    }

    /// <summary><c>input + batch1 @ batch2</c> of batches of matrices.</summary>
    /// <remarks>
    /// TorchSharp's <c>input.baddbmm(batch1, batch2)</c> passes the three tensors in a wrong order: libtorch takes <c>input</c> for the
    /// first batch. A later version may pass them in the right order, so the order is measured once.
    /// </remarks>
    public static Tensor plus_bmm(this Tensor input, Tensor batch1, Tensor batch2) =>
        s_baddbmm_starts_with_batches ? batch1.baddbmm(batch2, input) : input.baddbmm(batch1, batch2);

    private static readonly bool s_baddbmm_starts_with_batches = BaddbmmStartsWithBatches();

    private static bool BaddbmmStartsWithBatches()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor[] numbers = [.. new double[] { 2, 3, 5 }.Select(number => tensor(new[] { number }).view(1, 1, 1))];
        (Tensor two, Tensor three, Tensor five) = (numbers[0], numbers[1], numbers[2]);
        return two.baddbmm(three, five).item<double>() != 2 + 3 * 5;
    }

    /// <summary>Splits one axis into several.</summary>
    /// <param name="value">The tensor.</param>
    /// <param name="axis">The axis; counted from the end if negative, which TorchSharp's <c>unflatten</c> refuses.</param>
    /// <param name="sizes">The sizes of the new axes.</param>
    public static Tensor split_axis(this Tensor value, long axis, params long[] sizes) =>
        value.unflatten(axis < 0 ? axis + value.dim() : axis, sizes);

    /// <summary>Moves a tensor to a scope.</summary>
    /// <remarks>
    /// TorchSharp's <c>MoveToOtherDisposeScope</c>, called with the scope that already owns the tensor, removes it from that scope and adds
    /// it to none. The tensor's finaliser then reports to a scope that is gone, which ends the process.
    /// </remarks>
    public static Tensor moved_to(this Tensor tensor, DisposeScope scope) =>
        scope.Contains(tensor) ? tensor : tensor.MoveToOtherDisposeScope(scope);
}
