using Interventions.Execution;
using Interventions.Graphs;
using Interventions.Models.Decoder;

namespace Interventions.Benchmarks;

/// <summary>Sweeps by a plan against the naive run: as many full forward passes as there are variants, and two.</summary>
internal static class EngineTable
{
    private static readonly MetricNode s_logitDifference = new(
        "LogitDifference", [new Read.Logit("correct", "end"), new Read.Logit("wrong", "end")], x => x[0] - x[1]);

    public static void Print(DecoderModel model, int repeats, string only)
    {
        RandomPairs from0 = new(8, 16, 0), from4 = new(8, 16, 4);
        if (Environment.GetEnvironmentVariable("PROFILE") is not null)
        {
            var g = Patch("blocks.{layer}.attn.z[head=0; pos=end]");
            for (int i = 0; i < 3; i++)
            {
                using System.Diagnostics.Process process = System.Diagnostics.Process.GetCurrentProcess();
                TimeSpan cpu = process.TotalProcessorTime;
                InterventionRunner.Run(g, model, from0, new RunOptions { Naive = true }).Dispose();
                process.Refresh();
                Console.WriteLine($"naive forward: cpu {(process.TotalProcessorTime - cpu).TotalMilliseconds / 14:0.0} ms");
            }
        }
        Row("144 heads' z at end", Patch("blocks.{layer}.attn.z[head={head}; pos=end]"), from0);
        Row("144 heads' z, from token 0", Patch("blocks.{layer}.attn.z[head={head}]"), from0);
        Row("144 heads' z, from token 4", Patch("blocks.{layer}.attn.z[head={head}]"), from4);
        Row("resid_pre at 192 places, from token 0", Patch("blocks.{layer}.resid_pre[pos={p}]"), from0);
        Row("resid_pre at 192 places, from token 4", Patch("blocks.{layer}.resid_pre[pos={p}]"), from4);
        InterventionGraph path = new InterventionGraph { Name = "Path", Metrics = [s_logitDifference] }
            .PathPatch("blocks.{layer}.attn.z[head={head}; pos=end]", ["logits[pos=end]"], "corrupted");
        Row("144 senders at end to the logits", path, from0);
        Row("2,304 heads at positions", Patch("blocks.{layer}.attn.z[head={head}; pos={p}]"), from0);

        void Row(string name, InterventionGraph graph, IPromptSet prompts)
        {
            if (!name.Contains(only, StringComparison.Ordinal))
                return;
            if (Environment.GetEnvironmentVariable("PROFILE") is not null)
            {
                for (int i = 0; i < 3; i++)
                {
                    using System.Diagnostics.Process process = System.Diagnostics.Process.GetCurrentProcess();
                    TimeSpan cpu = process.TotalProcessorTime;
                    var watch = System.Diagnostics.Stopwatch.StartNew();
                    InterventionRunner.Run(graph, model, prompts).Dispose();
                    process.Refresh();
                    Console.WriteLine($"{name}: cpu {(process.TotalProcessorTime - cpu).TotalMilliseconds:0} ms, wall {watch.ElapsedMilliseconds} ms"); ChunkRunX.Dump();
                }
                return;
            }
            Interleaved.Compare(
                name, "naive run",
                () => InterventionRunner.Run(graph, model, prompts).Dispose(),
                () => InterventionRunner.Run(graph, model, prompts, new RunOptions { Naive = true }).Dispose(), repeats);
        }
    }

    private static InterventionGraph Patch(string site) => new() { Name = "Patch", Writes = [BuiltInWrites.Freeze(site, "corrupted")], Metrics = [s_logitDifference] };
}
