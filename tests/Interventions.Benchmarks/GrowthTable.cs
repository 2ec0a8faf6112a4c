using System.Globalization;
using Interventions.Models.Decoder;
using Interventions.Planning;

namespace Interventions.Benchmarks;

/// <summary>How a sweep's time grows with prompts, tokens and variants.</summary>
internal static class GrowthTable
{
    private const string Heads = "blocks.{layer}.attn.z[head={head}; pos=end]";

    public static void Print(DecoderModel model)
    {
        Console.WriteLine($"{"growth, 144 heads' z at end",-33}{"min. ms",9}{"GFLOP",8}{"GFLOP/s",9}");
        foreach (int prompts in new[] { 1, 8, 32 })
            Row($"{prompts} prompts of 16 tokens", Heads, prompts, 16);
        foreach (int tokens in new[] { 16, 128 })
            Row($"8 prompts of {tokens} tokens", Heads, 8, tokens);
        Row("1 variant", "blocks.6.attn.z[head=6; pos=end]", 8, 16);
        Row("144 variants", Heads, 8, 16);
        Row("2,304 variants, of each position", "blocks.{layer}.attn.z[head={head}; pos={p}]", 8, 16);

        void Row(string name, string site, int prompts, int tokens)
        {
            RandomPairs pairs = new(prompts, tokens, 0);
            InterventionGraph graph = Work.Patch(site);
            RunOptions options = new() { BatchSize = prompts };
            Action run = Work.Run(graph, model, pairs, options);
            double least = Interleaved.Measure(3, new Side(run, WarmUp: () => { }))[0].Minimum;
            double operations = PlanExplanation.Operations(InterventionRunner.Plans(graph, model, pairs, options).Single()).Planned;
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{"  " + name,-33}{BenchmarkRow.Number(least, 9)}{BenchmarkRow.Number(operations / 1e9, 8)}{BenchmarkRow.Number(operations / 1e6 / least, 9)}"));
        }
    }
}
