using static TorchSharp.torch;

namespace Interventions.Torch;

/// <summary>
/// Calls of users' methods, which are pure, and which may write <c>a + b</c>: where a garbage collection overlapped the call, a number in it may have been freed before it was read
/// (<see cref="GuardedTensors"/>), so the call is made again.
/// </summary>
internal static class PureCall
{
    private const int Attempts = 2;

    /// <summary>Switches the protection off, for the tests that show that it is needed.</summary>
    internal static bool IsUnprotected { get; set; }

    /// <summary>The method's result, computed without a collection, or while no finaliser runs.</summary>
    /// <remarks>An exception that no collection overlapped is the method's own. What a repeated call leaves behind is freed with the scope.</remarks>
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
            }
        }
        using (Finalizers.Pause())
            return method(arguments);
    }
}
