using System.Diagnostics;
using Interventions.Models;
using Interventions.Models.Decoder;
using static TorchSharp.torch;

namespace Interventions.Benchmarks;

/// <summary>An hour of collection stress: no wrong number, no growth of tensors or memory.</summary>
internal static class Soak
{
    /// <summary>Whether nothing failed and nothing grew.</summary>
    public static bool Print(double minutes)
    {
        using ToyModel toy = new();
        using DecoderModel gpt2 = DecoderModel.Random(Gpt2Model.Configure(2, 4, 16, 17, 40), 3, float64),
            llama = DecoderModel.Random(
                LlamaModel.Configure(2, 4, kv_heads: 2, d_model: 16, neurons: 20, vocabularySize: 17, contextLength: 40), 3, float64);
        CollectionStress stress = new();
        stress.AddRuns(toy, 12, "blocks.*.resid", "logits");
        foreach (DecoderModel model in new[] { gpt2, llama })
        {
            stress.AddRuns(model, 12, "blocks.*.resid_post", "logits");
            stress.AddGeneration(model, RandomPrompts.Of(1, 17, 3, 5), "blocks.1.resid_post");
        }
        Console.WriteLine($"{"minute",8}{"runs",12}{"collections",14}{"tensors",10}{"native MiB",12}{"managed MiB",13}{"process MiB",13}");
        Stopwatch clock = Stopwatch.StartNew();
        StressReport report = stress.Run(TimeSpan.FromMinutes(minutes), report: Line);
        Line(report.Runs, Tensor.TotalCount, NativeHeap.IsKnown ? NativeHeap.BytesInUse() : 0);
        foreach (string failure in report.Failures.Take(10))
            Console.WriteLine(failure);
        Console.WriteLine(
            $"{report.Failures.Count} failures in {report.Runs:#,0} runs and {report.Collections:#,0} collections; {report.Tensors} "
                + $"tensors and {report.Bytes / 1048576.0:0.0} MiB more than before");
        return report.Failures.Count == 0 && report.Tensors <= 0 && report.Bytes < 64 << 20;

        void Line(long runs, long tensors, long bytes) => Console.WriteLine(
            $"{clock.Elapsed.TotalMinutes,8:0.0}{runs,12:#,0}{GC.CollectionCount(0),14:#,0}{tensors,10:#,0}{bytes / 1048576.0,12:0.0}{GC.GetGCMemoryInfo().HeapSizeBytes / 1048576.0,13:0.0}{Environment.WorkingSet / 1048576.0,13:0.0}");
    }
}
