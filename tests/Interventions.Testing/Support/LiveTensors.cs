using static TorchSharp.torch;

namespace Interventions.Testing.Support;

/// <summary>Counts handles that nobody has freed yet.</summary>
public static class LiveTensors
{
    /// <summary>
    /// How many tensors are alive, without those that an earlier test left to the collector, which may free them at any moment.
    /// </summary>
    public static long Count()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return Tensor.TotalCount;
    }
}
