using System.Globalization;
using Interventions.Models.Decoder;
using Interventions.Planning;

namespace Interventions.Benchmarks;

/// <summary>
/// Whether a sweep stays within its budget: what the process holds at most against its weights, its size before the run, and the budget.
/// </summary>
internal static class MemoryTable
{
    /// <summary>The budget counts tensors; what the allocator cannot give back while they come and go may be a quarter of it.</summary>
    private const double Tolerance = 1.25;

    public static void Print(DecoderModel model)
    {
        RandomPairs prompts = new(8, 16, 0);
        InterventionGraph graph = Work.Patch("blocks.{layer}.attn.z[head={head}]");
        double weights = model.Weights.Values.Sum(weight => weight.numel() * weight.ElementSize) / 1048576.0;
        Console.WriteLine(
            string.Create(CultureInfo.InvariantCulture, $"144 heads' z at all positions; weights {weights:0} MiB; all in MiB"));
        Console.WriteLine(
            $"{"budget",9}{"passes",8}{"estimated",11}{"in use",8}{"process before",16}{"at most",9}{"growth",8}{"of budget",11}{"seconds",9}");

        // What code and the libraries' own buffers take is there before.
        Interleaved.Time(Work.Run(Work.Patch("blocks.{layer}.attn.z[head=0; pos=end]"), model, prompts));
        foreach (long budget in new[] { 200L * 1000 * 1000, 500L * 1000 * 1000, 2L << 30 })
        {
            RunOptions options = new() { MemoryBudget = budget };
            ExecutionPlan plan = InterventionRunner.Plans(graph, model, prompts, options).Single();
            double milliseconds = 0;
            PeakMemory memory = PeakMemory.Of(() => milliseconds = Interleaved.Time(Work.Run(graph, model, prompts, options)));
            bool isWithin = memory.Growth <= Tolerance * budget;
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{budget / 1048576.0,9:0}{plan.Passes.Length,8}{plan.PeakBytes / 1048576.0,11:0}{InUse(graph, model, prompts, options) / 1048576.0,8:0}{memory.Before / 1048576.0,16:0}{memory.Peak / 1048576.0,9:0}{memory.Growth / 1048576.0,8:0}{100.0 * memory.Growth / budget,9:0} %{milliseconds / 1000,9:0.0}  within {100 * Tolerance:0} %: {BenchmarkRow.Met(isWithin, isWithin)}"));
        }
    }

    /// <summary>
    /// Bytes that tensors of the run have at most, as seen before and after every function of the model; 0 where nobody counts them.
    /// </summary>
    private static long InUse(InterventionGraph graph, DecoderModel model, RandomPairs prompts, RunOptions options)
    {
        if (!NativeHeap.IsKnown)
            return 0;
        long before = NativeHeap.BytesInUse(), most = 0;
        void Look(string node) => most = Math.Max(most, NativeHeap.BytesInUse() - before);
        using ObservedModel observed = new(model, Look, Look);
        Interleaved.Time(Work.Run(graph, observed, prompts, options));
        return most;
    }
}
