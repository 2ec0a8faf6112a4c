using FsCheck;
using FsCheck.Fluent;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Execution;

/// <summary>Which values a path selects, of prompts of any length.</summary>
public sealed class SelectionTests : ToyTest
{
    /// <summary>Random selections against loops over single entries.</summary>
    [Fact]
    public void Any_selection_is_what_loops_over_its_entries_give()
    {
        Gen<string> head = Gen.Elements("", "head=1", "head=0,2", "head=1..2", "head=-1", "head=2,0");
        Gen<string> pos = Gen.Elements(
            "", "pos=mid", "pos=end", "pos=end-1", "pos=-2", "pos=0..1", "pos=mid,end", "pos=1", "pos=1..-2", "pos=0,-1");
        Gen<int> seed = Gen.Choose(0, 10_000);
        var cases = Gen.Zip(Gen.Zip(head, pos), Gen.Zip(seed, Gen.Elements(0, 1)));
        Prop.ForAll(cases.ToArbitrary(), one =>
        {
            using DisposeScope scope = NewDisposeScope();
            ((string heads, string positions), (int s, int layer)) = one;
            string selectors = string.Join("; ", new[] { heads, positions }.Where(text => text.Length > 0));
            string site = $"blocks.{layer}.z" + (selectors.Length > 0 ? $"[{selectors}]" : "");
            ToyPrompts prompts = ToyPrompts.Random(s, 5, 3, 4, 3);
            using RunResult output = Run(
                new()
                {
                    Name = "Any",
                    Writes = [new WriteNode("Double", site, [Value], x => x[0] * 2)],
                    Captures = [
                    Capture("Z", $"blocks.{layer}.z")]
                },
                prompts);
            for (int row = 0; row < 4; row++)
            {
                int length = prompts.Prompts[row].Runs[0].Ids.Count;
                Tensor expected = Values(prompts.Only(row), 0, $"blocks.{layer}.z")[0].clone();
                foreach (int at in Positions(positions, length, Mid(prompts, row, 0)))
                    foreach (int h in HeadIndices(heads))
                        expected[at, h] = expected[at, h] * 2;
                Close(expected, output.Changed("Z").Values[row].narrow(0, 0, length));
                Assert.Equal(0, output.Changed("Z").Values[row].narrow(0, length, 5 - length).abs().sum().item<double>());
            }
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Prompts_of_mixed_lengths_give_what_each_gives_alone()
    {
        ToyPrompts prompts = ToyPrompts.Random(4, 7, 3, 5, 3, 6);
        // The mean over positions would see padding if there were any.
        InterventionGraph graph = new()
        {
            Name = "Mixed",
            Writes = [new WriteNode("MeanOverPositions", "blocks.0.z", [Value, Corrupted], x => x[0].mean([1], true) + x[1]), Patch(
                "blocks.1.out[pos=end]")],
            Captures = [Capture("Residual", "blocks.*.resid"), new CaptureNode("Pooled", "blocks.1.z", [Value], x => x[0].mean([1]))],
            Metrics = [LogitDifference],
        };
        using RunResult together = Run(graph, prompts);
        using RunResult chunked = Run(graph, prompts, new RunOptions { BatchSize = 2 });
        Assert.Equal([2, 5, 7, ToyModel.Width], together.Changed("Residual").Values.shape);
        for (int row = 0; row < 5; row++)
        {
            using RunResult alone = Run(graph, prompts.Only(row));
            int length = prompts.Prompts[row].Runs[0].Ids.Count;
            Close(alone.Changed("LogitDifference").Values, together.Changed("LogitDifference").Values.narrow(0, row, 1));
            Close(alone.Changed("Pooled").Values, together.Changed("Pooled").Values.narrow(0, row, 1));
            Close(alone.Changed("Residual").Values, together.Changed("Residual").Values.narrow(1, row, 1).narrow(2, 0, length));
        }
        foreach (string name in new[] { "Residual", "Pooled", "LogitDifference" })
        {
            Close(together.Changed(name).Values, chunked.Changed(name).Values);
            Close(together.Run("corrupted")[name], chunked.Run("corrupted")[name]);
        }
    }

    [Fact]
    public void A_selection_of_nothing_is_refused()
    {
        ToyPrompts prompts = ToyPrompts.Random(5, 5, 2);
        Says("selects nothing of prompt 1", () => Run(new() { Name = "Empty", Writes = [Zero("embed[pos=1..-2]")] }, prompts));
        Says("selects position 3 of prompt 1", () => Run(new() { Name = "Empty", Writes = [Zero("embed[pos=3..-1]")] }, prompts));
        Says("selects position -4 of prompt 1", () => Run(new() { Name = "Empty", Writes = [Zero("embed[pos=-4]")] }, prompts));
    }

    [Theory]
    [InlineData("embed[pos=3]", null)]
    [InlineData("embed[pos={p=0..3}]", null)]
    [InlineData("embed[pos=end+1]", null)]
    [InlineData("embed", "embed[pos=3]")]
    public void A_position_outside_a_prompt_is_refused_before_the_pass(string site, string? donor)
    {
        List<RunProgress> passes = [];
        InterventionGraph graph =
            new() { Name = "Outside", Writes = [new WriteNode("Write", site, [new Read.From("corrupted", donor)], x => x[0])] };
        RunOptions options = new() { BatchSize = 1, Progress = new Reported(passes.Add) };
        InterventionException refused = Assert.Throws<InterventionException>(
            () => InterventionRunner.Run(graph, Model, ToyPrompts.Random(9, 5, 4, 3), options));
        Assert.Contains("of prompt", refused.Message);
        Assert.Empty(passes);
    }

    private static WriteNode Zero(string site) => new("Zero", site, [], _ => zeros(1, dtype: float64));

    private static int Mid(ToyPrompts prompts, int row, int run) => prompts.Prompts[row].Runs[run].Positions[0];

    private static IEnumerable<int> HeadIndices(string selector) => selector switch
    {
        "" => [0, 1, 2],
        "head=1" => [1],
        "head=0,2" or "head=2,0" => [0, 2],
        "head=1..2" => [1, 2],
        "head=-1" => [2],
        _ => throw new ArgumentException(selector),
    };

    private static IEnumerable<int> Positions(string selector, int length, int mid) => (selector switch
    {
        "" => Enumerable.Range(0, length),
        "pos=mid" => [mid],
        "pos=end" => [length - 1],
        "pos=end-1" or "pos=-2" => [length - 2],
        "pos=0..1" => [0, 1],
        "pos=mid,end" => [mid, length - 1],
        "pos=1" => [1],
        "pos=1..-2" => Enumerable.Range(1, length - 2),
        "pos=0,-1" => [0, length - 1],
        _ => throw new ArgumentException(selector),
    }).Distinct();
}
