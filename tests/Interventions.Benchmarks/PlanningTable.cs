using System.Globalization;
using Interventions.Binding;
using Interventions.ModelGraphs;
using Interventions.Planning;

namespace Interventions.Benchmarks;

/// <summary>What planning costs, anew and of a shape that is known.</summary>
internal static class PlanningTable
{
    public static void Print(HookedModel model, int repeats)
    {
        Console.WriteLine($"{"planning",-33}{"min.",9}{"median",8} ms, goal");
        Row("144 variants", 2, "blocks.{layer}.attn.z[head={head}; pos=end]");
        Row("144 variants, all positions", 4, "blocks.{layer}.attn.z[head={head}]");
        Row("2,304 variants", 50, "blocks.{layer}.attn.z[head={head}; pos={p}]");

        void Row(string name, double goal, string site)
        {
            RandomPairs prompts = new(8, 16, 0);
            InterventionGraph graph = Work.Patch(site);
            RunOptions options = new();
            BoundIntervention bound = InterventionBinder.Bind(graph, model.Schema, prompts);
            NodeShapes shapes = ShapeProbe.Of(model.Graph, model.Device);
            PromptBatch chunk = PromptBatch.Of(prompts, options.BatchSize, model.Graph).Single();
            PlanRequest request = new(
                model.Graph, shapes, bound, chunk, prompts.Vocabulary.Runs.Count, options.MemoryBudget, IsStrict: false);
            void Plan() => ExecutionPlan.Create(request);
            // The runtime compiles anew what is called often: what is measured is planning, not that.
            for (int i = 0; i < 200; i++)
                Plan();
            Measurement[] measured = Interleaved.Measure(5 * repeats, new Side(Plan));
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{"  " + name,-33}{BenchmarkRow.Number(measured[0].Minimum, 9)}{BenchmarkRow.Number(measured[0].Median, 8)} ms, at "
                    + $"most {goal:0} ms: {BenchmarkRow.Met(measured[0].Minimum < goal, measured[0].Median < goal)}"));
        }
    }
}
