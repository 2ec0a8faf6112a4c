using static TorchSharp.torch;

namespace Interventions.Torch;

/// <summary>
/// Calls of users' methods, which are pure and may say <c>a + b</c>. If a garbage collection overlapped a call, it may have freed a number
/// before it was read (<see cref="GuardedTensors"/>), so the call is made again.
/// </summary>
internal static class PureCall
{
    private const int Attempts = 2;

    /// <summary>Switches the protection off, for the tests that show that it is needed.</summary>
    internal static bool IsUnprotected { get; set; }

    /// <summary>The method's result, from a call that no collection overlapped, or during which no finaliser ran.</summary>
    /// <remarks>
    /// An exception of a call that no collection overlapped is the method's own. Tensors of a repeated call are freed with the scope.
    /// </remarks>
    public static Tensor Run<TArguments>(TArguments arguments, Func<TArguments, Tensor> method)
        where TArguments : allows ref struct
    {
        if (IsUnprotected)
            return method(arguments);
        for (int i = 0; i < Attempts; i++)
        {
            int before = GC.CollectionCount(0);
            try
            {
                Tensor result = method(arguments);
                if (GC.CollectionCount(0) == before)
                    return result;
            }
            catch (Exception exception) when (exception is not OperationCanceledException && GC.CollectionCount(0) != before)
            {
                // A freed number may have caused it: the call is made again.
            }
        }
        using (Finalizers.Pause())
            return method(arguments);
    }
}
