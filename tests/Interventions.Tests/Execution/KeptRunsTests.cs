using Interventions.Planning;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Execution;

/// <summary>Runs that keep values of some runs of the prompt set.</summary>
public sealed class KeptRunsTests : ToyTest
{
    private static readonly InterventionGraph s_attribution = new()
    {
        Name = "Attribution",
        Gradients =
        [
            new("Ofz", "blocks.*.z", [new Read.Gradient(), Value, Corrupted], x => x[0] * (x[2] - x[1])),
        ],
        Metrics = [LogitDifference],
    };

    public static TheoryData<bool> Executors => [true, false];

    [Theory]
    [MemberData(nameof(Executors))]
    public void What_is_kept_is_what_a_run_of_all_keeps(bool naive)
    {
        ToyPrompts prompts = ToyPrompts.Random(1, 4, 5, 4);
        InterventionGraph swept = s_attribution with { Writes = [BuiltInWrites.Freeze("blocks.{layer}.out", "corrupted")] };
        foreach (InterventionGraph graph in (InterventionGraph[])[s_attribution, swept])
        {
            using RunResult all = Run(graph, prompts, new() { Naive = naive });
            foreach (string[] kept in (string[][])[[], ["clean"], ["corrupted"], ["corrupted", "clean"]])
            {
                using RunResult some = Run(graph, prompts, new() { Naive = naive, KeptRuns = kept });
                foreach (string name in (string[])["Ofz", "LogitDifference"])
                {
                    Close(all.Changed(name).Values, some.Changed(name).Values);
                    foreach (string run in kept)
                        Close(all.Run(run)[name], some.Run(run)[name]);
                }
            }
        }
    }

    [Fact]
    public void No_backward_pass_goes_through_other_runs()
    {
        ToyPrompts prompts = ToyPrompts.Random(2, 4, 4);
        ExecutionPlan plan = InterventionRunner.Plans(s_attribution, Model, prompts, new() { KeptRuns = ["clean"] }).Single();
        PlanTable[] tables = [.. plan.Passes.Single().Nodes.Where(step => step.Node >= plan.Expansion.FirstDifferentiated)
            .SelectMany(step => step.Tables)];
        Assert.Contains(tables, table => table.IsConstant);
        Assert.All(tables, table => Assert.All(
            table.Sets.SelectMany(set => set.Groups), member => Assert.Equal(member.Group.Run == 1, table.IsConstant)));
        // Of the corrupted run nothing is computed that is not read.
        Assert.DoesNotContain(
            tables, table => table.IsConstant && ReferenceEquals(table.Definition, Model.Graph["logits"].Definition));
    }

    [Fact]
    public void Of_other_runs_there_is_nothing_to_ask_for()
    {
        ToyPrompts prompts = ToyPrompts.Random(3, 4, 4);
        InterventionGraph graph = new() { Name = "Patched", Writes = [Patch("blocks.0.out")], Metrics = [LogitDifference] };
        using RunResult run = Run(graph, prompts, new() { KeptRuns = ["corrupted"] });
        Assert.Contains("Nothing was kept of run 'clean'", Assert.Throws<KeyNotFoundException>(() => run.Run("clean")).Message);
        Assert.Contains(
            "nothing was kept of run 'clean'",
            Assert.Throws<InvalidOperationException>(() => run.Changed("LogitDifference").Change.Values).Message);
        Assert.True(double.IsNaN(run.Changed("LogitDifference").Points()[0].Change));
        Assert.Contains("corrupted", run.ToString());
        Says("'corupted'", () => Run(graph, prompts, new() { KeptRuns = ["corupted"] }).Dispose());
    }

    [Fact]
    public void A_file_says_which_runs_were_kept()
    {
        string path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.safetensors");
        try
        {
            using RunResult run = Run(s_attribution, ToyPrompts.Random(4, 4, 4), new() { KeptRuns = ["clean"], BatchSize = 1 });
            run.Save(path);
            using RunResult loaded = RunResult.Load(path);
            Close(run.Run("clean")["Ofz"], loaded.Run("clean")["Ofz"]);
            Assert.Throws<KeyNotFoundException>(() => loaded.Run("corrupted"));
        }
        finally
        {
            File.Delete(path);
        }
    }
}
