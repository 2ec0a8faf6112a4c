using System.Collections.Immutable;
using Interventions.Declarations;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Execution;

/// <summary>
/// Checks what methods promise, in strict runs. A promise to treat each prompt or position alone is checked by calling the method with some
/// of them: for every bit of their numbers once with those that have the bit, once with those that have not. So any two are apart once.
/// </summary>
internal sealed class StrictChecks
{
    private readonly HashSet<string> _notes = new(StringComparer.Ordinal);

    /// <summary>Sentences on the methods that could not be checked.</summary>
    public IEnumerable<string> Notes => _notes.Order(StringComparer.Ordinal);

    /// <summary>Calls a method, and checks that its arguments are unchanged.</summary>
    /// <exception cref="InterventionException">It wrote into one, or disposed one.</exception>
    public static Tensor Call(string method, ImmutableArray<Read> reads, Tensor[] arguments, Func<Tensor[], Tensor> body)
    {
        Tensor[] before = [.. arguments.Select(argument => argument.detach().clone())];
        // A method that has already disposed an argument has nothing of it to return.
        Tensor result = body([.. arguments]);
        for (int i = 0; i < arguments.Length; i++)
        {
            if (arguments[i].IsInvalid)
                throw Wrong("disposes", "The run frees it");
            if (!arguments[i].shape.AsSpan().SequenceEqual(before[i].shape) || !SameBits(arguments[i], before[i]))
                throw Wrong("writes into", "Compute a new tensor: variants and runs share theirs");

            InterventionException Wrong(string does, string instead) =>
                new($"{method} {does} its parameter {i + 1} ({GraphText.Describe(reads[i])}), which it only borrows. {instead}.");
        }
        return result;
    }

    /// <summary>Checks that a method treats each prompt alone.</summary>
    /// <param name="method">The method.</param>
    /// <param name="rows">The prompts.</param>
    /// <param name="all">Its result for all of them: <c>[rows, …]</c>.</param>
    /// <param name="some">Calls it for some of them.</param>
    /// <exception cref="InterventionException">It does not.</exception>
    public void CheckPrompts(string method, int[] rows, Tensor all, Func<int[], Tensor> some) => Check(
        method, rows.Length, 0, all, places => some([.. places.Select(place => rows[place])]),
        $"{method} makes something else of a prompt when other prompts are run with it: what a method returns of a prompt may depend "
        + "on that prompt alone, or batches of another size give other results. Declare it [AcrossBatch] if that is meant");

    /// <summary>Checks that a method treats each selected position alone.</summary>
    /// <param name="method">The method.</param>
    /// <param name="axis">The axis of positions.</param>
    /// <param name="all">Its result for all of them.</param>
    /// <param name="some">Calls it for some of them, counted along the selection.</param>
    /// <exception cref="InterventionException">It does not.</exception>
    public void CheckPositions(string method, int axis, Tensor all, Func<int[], Tensor> some) => Check(
        method, (int)all.shape[axis], axis, all, some,
        $"{method} is declared [Pointwise], and makes something else of a position when other positions are selected with it. "
        + "Leave [Pointwise] out: then it always gets all that it selects");

    private void Check(string method, int count, int axis, Tensor all, Func<int[], Tensor> some, string broken)
    {
        if (count < 2)
            return;
        using IDisposable mode = no_grad();
        using DisposeScope scope = NewDisposeScope();
        if (!Agree(all, Call([.. Enumerable.Range(0, count)])))
        {
            _notes.Add(
                $"{method} returns something else each time it is called with the same arguments, so that a strict run cannot check "
                + "what it depends on.");
            return;
        }
        for (int bit = 1; bit < count; bit <<= 1)
            foreach (int[] places in Enumerable.Range(0, count).GroupBy(place => place & bit, (_, places) => places.ToArray()))
            {
                Tensor index = tensor(places.Select(place => (long)place).ToArray(), device: all.device);
                if (!Agree(all.index_select(axis, index), Call(places)))
                    throw new InterventionException($"{broken}.");
            }

        Tensor Call(int[] places)
        {
            try
            {
                return some(places);
            }
            catch (Exception failure) when (failure is not OperationCanceledException && places.Length < count)
            {
                throw new InterventionException($"{broken}. Of some of them alone it says: {failure.Message}", failure);
            }
        }
    }

    private static bool SameBits(Tensor left, Tensor right) => left.eq(right).logical_or(BothNaN(left, right)).all().item<bool>();

    /// <summary>Whether two results are equal but for rounding: matrix products of fewer rows may add in another order.</summary>
    private static bool Agree(Tensor left, Tensor right)
    {
        if (!left.shape.AsSpan().SequenceEqual(right.shape))
            return false;
        if (left.NumberOfElements == 0)
            return true;
        double tolerance = left.dtype switch { ScalarType.Float64 => 1e-9, ScalarType.Float32 => 1e-4, _ => 0.05 };
        Tensor scale = left.abs().nan_to_num(0, 0, 0).max().plus(1);
        Tensor close = (left - right).abs().le(scale.times(tolerance));
        return left.eq(right).logical_or(close).logical_or(BothNaN(left, right)).all().item<bool>();
    }

    private static Tensor BothNaN(Tensor left, Tensor right) => left.isnan().logical_and(right.isnan());
}
