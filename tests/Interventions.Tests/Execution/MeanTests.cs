using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Execution;

/// <summary>Means over prompts, other prompts and templates, by hand.</summary>
public sealed class MeanTests : ToyTest
{
    [Theory]
    [InlineData(1)]
    [InlineData(32)]
    public void Means_are_by_template_and_position_over_real_tokens(int batchSize)
    {
        ToyPrompts prompts = Templates(ToyPrompts.Random(51, 4, 3, 4), 0, 1, 1);
        ToyPrompts over = Templates(ToyPrompts.Random(52, 4, 5, 2, 4, 3), 0, 0, 0, 1, 1);
        Tensor[] values = [.. Enumerable.Range(0, 5).Select(row => Values(over.Only(row), 1, "blocks.1.z")[0])];
        Tensor mean = Written(BuiltInWrites.Mean("blocks.*.z[head=1]", "corrupted", pooled: false, over: over));
        Tensor across = Written(BuiltInWrites.Mean("blocks.*.z[head=1]", "corrupted", pooled: false, over: over, acrossTemplates: true));
        Tensor pooled = Written(BuiltInWrites.Mean("blocks.*.z[head=1]", "corrupted", pooled: true, over: over));
        for (int row = 0; row < 3; row++)
        {
            for (int pos = 0; pos < prompts.Prompts[row].Runs[0].Ids.Count; pos++)
            {
                Close(
                    Mean(
                        values.Where((value, i) => over.Prompts[i].Template == prompts.Prompts[row].Template && value.shape[0] > pos)
                            .Select(value => value[pos, 1])),
                    mean[row, pos, 1]);
                Close(Mean(values.Where(value => value.shape[0] > pos).Select(value => value[pos, 1])), across[row, pos, 1]);
                Close(Mean(values.SelectMany(value => Enumerable.Range(0, (int)value.shape[0]).Select(at => value[at, 1]))), pooled[
                    row, pos, 1]);
            }
        }

        Tensor Written(WriteNode write)
        {
            using RunResult run = Run(
                new() { Name = "Mean", Writes = [write], Captures = [new("Z", "blocks.1.z", [new Read.Value()], x => x[0])] }, prompts,
                new RunOptions { BatchSize = batchSize });
            return run.Changed("Z").Values.clone();
        }

        static Tensor Mean(IEnumerable<Tensor> values) => stack(values).mean([0L]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void All_means_over_a_run_are_one_stream(bool naive)
    {
        ToyPrompts prompts = ToyPrompts.Random(57, 4, 3, 4);
        // The first run of a model also measures its nodes.
        Passes(ToyPrompts.Random(58, 5, 4));
        // In batches of two, five prompts are two batches more than two.
        Assert.Equal(2 + Passes(ToyPrompts.Random(58, 5, 4)), Passes(ToyPrompts.Random(59, 4, 5, 4, 4, 5)));

        int Passes(ToyPrompts over)
        {
            int before = Model.Passes;
            WriteNode Mean(string site) => BuiltInWrites.Mean(site, "corrupted", pooled: false, over: over);
            InterventionGraph graph = new()
            {
                Name = "Means",
                Writes = [Mean("blocks.0.z[head={h}; pos=end]"), Mean("blocks.1.z[head={h}]"), Mean("blocks.1.out[pos=mid]")],
                Metrics = [new("M", [new Read.Logit("correct", "end")], x => x[0])],
            };
            InterventionRunner.Run(graph, Model, prompts, new RunOptions { BatchSize = 2, Naive = naive }).Dispose();
            return Model.Passes - before;
        }
    }

    [Fact]
    public void What_has_no_mean_is_refused()
    {
        ToyPrompts prompts = Templates(ToyPrompts.Random(53, 4), 2);
        Says("prompt 0 has template 2, of which ToyPrompts has no prompt", "embed", ToyPrompts.Random(54, 4));
        Says(
            "'embed' selects 4 positions of prompt 0; the prompts of ToyPrompts over which the mean is taken have 3 at most", "embed",
            Templates(ToyPrompts.Random(54, 3), 2));
        Says("selects position 3 of prompt 0", "embed[pos=3]", Templates(ToyPrompts.Random(54, 3), 2));
        Says("ToyPrompts has no prompts", "embed", new ToyPrompts());

        void Says(string text, string site, ToyPrompts over) => Assert.Contains(text, Assert.Throws<InterventionException>(() => Run(
            new()
            {
                Name = "Mean",
                Writes = [BuiltInWrites.Mean(site, null, pooled: false, over: over)],
                Captures = [
                new("E", "embed", [new Read.Value()], x => x[0])]
            },
            prompts)).Message);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(32)]
    public void Means_count_every_prompt_that_has_the_position(int batchSize)
    {
        ToyPrompts prompts = ToyPrompts.Random(3, 5, 3, 4, 5);
        RunOptions options = new() { BatchSize = batchSize };
        Tensor[] embeds = [.. Enumerable.Range(0, 4).Select(row => Values(prompts.Only(row), 1, "embed")[0])];

        Tensor byPosition = Mean("embed", pooled: false);
        Tensor pooled = Mean("embed", pooled: true);
        Tensor atEnd = Mean("embed[pos=end]", pooled: false);
        Tensor all = cat(embeds, 0).mean([0L]);
        for (int row = 0; row < 4; row++)
        {
            long length = embeds[row].shape[0];
            for (int pos = 0; pos < length; pos++)
            {
                Close(stack(embeds.Where(embed => embed.shape[0] > pos).Select(embed => embed[pos])).mean([0L]), byPosition[row, pos]);
                Close(all, pooled[row, pos]);
            }
            Close(stack(embeds.Select(embed => embed[-1])).mean([0L]), atEnd[row, length - 1]);
        }

        Tensor Mean(string site, bool pooled)
        {
            using RunResult run = Run(
                new() { Name = "Mean", Writes = [BuiltInWrites.Mean(site, "corrupted", pooled)], Captures = [Capture("embed")] }, prompts,
                options);
            return run.Changed("embed").Values.clone();
        }
    }

    /// <summary>Positions as indices: whatever is named there in the averaged prompts, and pooled all of them.</summary>
    [Theory]
    [InlineData(1, false)]
    [InlineData(32, false)]
    [InlineData(32, true)]
    public void Means_at_indices_and_of_other_sites_are_by_hand(int batchSize, bool naive)
    {
        ToyPrompts prompts = Templates(ToyPrompts.Random(51, 4, 3, 4), 0, 1, 1);
        ToyPrompts over = Templates(ToyPrompts.Random(52, 4, 5, 2, 4, 3), 0, 0, 0, 1, 1);
        Tensor[] values = [.. Enumerable.Range(0, 5).Select(row => Values(over.Only(row), 1, "blocks.1.z")[0])];
        Tensor atEnd = Written("blocks.1.z[head=1; pos=mid,end]", new Read.Mean("corrupted", false, over, AtIndices: true));
        Tensor other = Written("embed[pos=end]", new Read.Mean("corrupted", true, over, Site: "blocks.1.z[head={head=1}]"), "embed");
        Tensor otherByName = Written("blocks.1.z[head=1; pos=end]", new Read.Mean(
            "corrupted", false, over, AcrossTemplates: true, Site: "blocks.1.z[head=1; pos=end]"));
        Tensor pooled = Written("blocks.1.z[head=1; pos=end]", new Read.Mean("corrupted", true, over, AtIndices: true));
        Tensor all = Mean(values.SelectMany(value => Enumerable.Range(0, (int)value.shape[0]).Select(at => value[at, 1])));
        for (int row = 0; row < 3; row++)
        {
            PromptTokens prompt = prompts.Prompts[row];
            int end = prompt.Runs[0].Ids.Count - 1;
            foreach (int pos in prompt.Runs[0].Positions)
                Close(
                    Mean(values.Where((value, i) => over.Prompts[i].Template == prompt.Template && value.shape[0] > pos)
                        .Select(value => value[pos, 1])),
                    atEnd[row, pos, 1]);
            Close(all, pooled[row, end, 1]);
            Close(Mean(values.Select(value => value[-1, 1])), otherByName[row, end, 1]);
            Close(all.mean().expand(other.shape[2]), other[row, end]);
        }

        Tensor Written(string site, Read.Mean read, string captured = "blocks.1.z")
        {
            bool isSwept = captured == "embed";
            using RunResult run = Run(
                new()
                {
                    Name = "Mean",
                    Writes = [new WriteNode("Mean", site, [read], x => isSwept ? x[0].flatten(1).mean([1L]).view(-1, 1, 1) : x[0])],
                    Captures = [new("Z", captured, [new Read.Value()], x => x[0])],
                },
                prompts, new RunOptions { BatchSize = batchSize, Naive = naive });
            return isSwept ? run.Changed("Z").Values[0].clone() : run.Changed("Z").Values.clone();
        }

        static Tensor Mean(IEnumerable<Tensor> values) => stack(values).mean([0L]);
    }

    /// <summary>The same means are taken once for runs that share them; another model, prompt set or site has its own.</summary>
    [Fact]
    public void Runs_that_share_means_take_them_once()
    {
        ToyPrompts prompts = ToyPrompts.Random(57, 4, 3, 4), over = ToyPrompts.Random(59, 4, 5, 4, 4, 5);
        RunOptions shared = new() { BatchSize = 2, Means = new() };
        Passes(new() { BatchSize = 2 }, over); // the first run of a model also measures its nodes
        int alone = Passes(new() { BatchSize = 2 }, over);
        Assert.Equal(alone, Passes(shared, over));
        Assert.Equal(alone - 3, Passes(shared, over));
        Assert.Equal(alone - 3, Passes(shared with { Naive = true }, over) - Passes(new() { BatchSize = 2, Naive = true }, over) + alone);
        Assert.Equal(alone, Passes(shared, ToyPrompts.Random(59, 4, 5, 4, 4, 5)));
        Assert.Equal(alone, Passes(shared, over, "blocks.1.out"));

        int Passes(RunOptions options, ToyPrompts over, string site = "blocks.0.out")
        {
            InterventionGraph graph = new()
            {
                Name = "Means",
                Writes = [BuiltInWrites.Mean($"{site}[pos=end]", "corrupted", pooled: false, over: over)],
                Metrics = [new("M", [new Read.Logit("correct", "end")], x => x[0])],
            };
            int before = Model.Passes;
            using RunResult run = InterventionRunner.Run(graph, Model, prompts, options);
            int passes = Model.Passes - before;
            using RunResult again = InterventionRunner.Run(graph, Model, prompts, new() { BatchSize = 2 });
            Close(again["M"].Values, run["M"].Values);
            return passes;
        }
    }

    [Fact]
    public void Means_over_few_prompts_are_noted_where_that_is_asked_for()
    {
        ToyPrompts prompts = Templates(ToyPrompts.Random(51, 4, 3, 4), 0, 1, 1);
        ToyPrompts over = Templates(ToyPrompts.Random(52, 4, 5, 2, 4, 3), 0, 0, 0, 1, 1);
        Noted(new Read.Mean("corrupted", false, over, Fewest: 3), [
            "2 of the 5 prompts of ToyPrompts at position 3 of template 0", "1 of the 5 prompts of ToyPrompts at position 3 of template 1"]);
        Noted(new Read.Mean("corrupted", false, over, Fewest: 2), ["1 of the 5 prompts of ToyPrompts at position 3 of template 1"]);
        Noted(
            new Read.Mean("corrupted", false, over, AcrossTemplates: true, Fewest: 4), ["3 of the 5 prompts of ToyPrompts at position 3:"]);
        Noted(new Read.Mean("corrupted", true, over, Fewest: 6), ["5 of the 5 prompts of ToyPrompts:"]);
        Noted(new Read.Mean("corrupted", true, over, Fewest: 5), []);
        Noted(new Read.Mean("corrupted", false, over), []);

        void Noted(Read.Mean read, string[] expected)
        {
            using RunResult run = Run(
                new()
                {
                    Name = "Mean",
                    Writes = [new WriteNode("Mean", "embed", [read], x => x[0])],
                    Captures = [new("E", "embed", [new Read.Value()], x => x[0])],
                },
                prompts);
            string[] notes = [.. run.Warnings.Where(warning => warning.StartsWith("A mean is taken over", StringComparison.Ordinal))];
            Assert.Equal(expected.Length, notes.Length);
            Assert.All(expected, text => Assert.Contains(notes, note => note.Contains(text, StringComparison.Ordinal)));
        }
    }

    private static ToyPrompts Templates(ToyPrompts prompts, params int[] templates) =>
        new([.. prompts.Prompts.Select((prompt, i) => prompt with { Template = templates[i] })]);
}
