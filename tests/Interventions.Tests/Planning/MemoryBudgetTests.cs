using Interventions.Models;
using Interventions.Models.Decoder;
using Interventions.Planning;
using Interventions.Runtime;

namespace Interventions.Tests.Planning;

/// <summary>What a run has alive, counted while it runs, against what its plan estimated.</summary>
public sealed class MemoryBudgetTests
{
    /// <summary>What a test without the means to count says.</summary>
    private sealed class CountedFactAttribute : TheoryAttribute
    {
        public CountedFactAttribute() =>
            Skip = NativeHeap.IsKnown ? null : "this system's C library does not say how many bytes are in use";
    }

    [CountedFact]
    [InlineData("blocks.{layer}.attn.z[head={head}]", 0)]
    [InlineData("blocks.{layer}.attn.z[head={head}]", 6)]
    [InlineData("blocks.{layer}.attn.z[head={head}; pos={p=8..15}]", 0)]
    [InlineData("blocks.{layer}.resid_pre[pos={p}]", 0)]
    [InlineData("blocks.{layer}.attn.k[kv_head={head}]", 6)]
    [InlineData("blocks.{layer}.attn.pattern[head={head}]", 0)]
    [InlineData("blocks.{layer}.mlp_out[pos={p}]", 4)]
    public void A_run_stays_within_what_its_plan_says(string site, int differFrom)
    {
        using DecoderModel model = DecoderModel.Random(
            Gpt2Model.Configure(layers: 4, heads: 8, d_model: 256, vocabularySize: 1000, contextLength: 32), seed: 1);
        Random random = new(1);
        RandomPrompts prompts = new([.. Enumerable.Range(0, 8).Select(_ =>
        {
            long[] clean = [.. Enumerable.Range(0, 16).Select(_ => (long)random.Next(1000))];
            long[] corrupted = [.. clean.Select((id, position) => position < differFrom ? id : (id + 1) % 1000)];
            return new PromptTokens([new(clean, [0, 15]), new(corrupted, [0, 15]), new(clean, [0, 15])], [1, 2]);
        })]);
        InterventionGraph graph = new()
        {
            Name = "Sweep",
            Writes = [BuiltInWrites.Freeze(site, "corrupted")],
            Metrics = [new MetricNode("Logit", [new Read.Logit("right", "end")], x => x[0])],
        };
        long before = 0, most = 0;
        string where = "";
        void Look(string node)
        {
            if (NativeHeap.BytesInUse() - before is long bytes && bytes > most)
                (most, where) = (bytes, node);
        }
        using ObservedModel observed = new(model, Look, Look);
        long whole = InterventionRunner.Plans(graph, observed, prompts, new RunOptions { MemoryBudget = long.MaxValue }).Single().PeakBytes;
        List<string> wrong = [];
        foreach (long budget in new[] { whole, whole / 2, whole / 4 })
        {
            RunOptions options = new() { MemoryBudget = budget };
            ExecutionPlan plan = InterventionRunner.Plans(graph, observed, prompts, options).MaxBy(plan => plan.PeakBytes)!;
            // The least of several runs: what else allocates meanwhile, as the just-in-time compiler does, only adds to some of them.
            long least = long.MaxValue;
            for (int i = 0; i < 4; i++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                (before, most) = (NativeHeap.BytesInUse(), 0);
                InterventionRunner.Run(graph, observed, prompts, options).Dispose();
                least = Math.Min(least, most);
            }
            string line =
                $"budget {budget >> 10} KiB, {plan.Passes.Length} passes, estimated {plan.PeakBytes >> 10} KiB, in use {least >> 10} "
                    + $"KiB at {where}";
            if (plan.PeakBytes > budget || least > 1.25 * plan.PeakBytes || least < plan.PeakBytes / 4)
                wrong.Add(line);
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }
}
