using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Execution;

/// <summary>What a run says its writes did, against counting by hand.</summary>
public sealed class EffectTests : IDisposable
{
    private static readonly Read s_value = new Read.Value(), s_corrupted = new Read.From("corrupted");
    private static readonly CaptureNode s_logits = new("Logits", "logits", [s_value], x => x[0]);
    private static readonly MetricNode s_correct = new("Correct", [new Read.Logit("correct", "end")], x => x[0]);

    private readonly ToyModel _model = new();
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly ToyPrompts _prompts = ToyPrompts.Random(4, 4, 3, 4);

    public static TheoryData<bool> Executors => [true, false];

    public void Dispose()
    {
        _scope.Dispose();
        _model.Dispose();
    }

    [Theory]
    [MemberData(nameof(Executors))]
    public void A_copy_into_a_derived_run_is_compared_with_the_tokens_of_that_run(bool naive)
    {
        ToyPrompts same = new([.. _prompts.Prompts.Select(prompt => new PromptTokens([prompt.Runs[0], prompt.Runs[0]], prompt.Answers))]);
        InterventionGraph graph = new()
        {
            Name = "X",
            Runs = [new DerivedRun("other", "corrupted")],
            Writes =
            [
                new WriteNode("Same", "embed[pos=end]", new WriteKind.Copy("clean"), "other"),
                new WriteNode("Receiver", "blocks.0.z[pos=end]", new WriteKind.Copy("other")),
            ],
            Metrics = [s_correct],
        };
        using RunResult run = graph.Run(_model, same, new RunOptions { Naive = naive });
        Assert.Contains(
            run.Warnings,
            warning => warning.StartsWith("X.Same copies what is there already in 3 of 3 prompts", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Executors))]
    public void Where_two_positions_are_one_token_the_last_ones_value_counts(bool naive)
    {
        // At 'mid' one more, at 'end' nothing: in the first prompt both are one token, to which nothing happens.
        Tensor more = tensor(new[] { 1.0, 0.0 }).view(1, 2, 1);
        ToyPrompts prompts = new([OneToken(3, 3), OneToken(1, 3)]);
        using RunResult run = new InterventionGraph
        {
            Name = "X",
            Writes = [new WriteNode("More", "embed[pos=mid,end]", [s_value], x => x[0] + more)],
            Captures = [s_logits],
        }.Run(_model, prompts, new RunOptions { Naive = naive });
        const int Selected = 4 * ToyModel.Width;
        Assert.Equal(
            new WriteEffect("More", "embed[pos=mid,end]", null, Selected, Selected, Selected, ToyModel.Width, 1), Rounded(run.Effects[0]));

        static PromptTokens OneToken(int mid, int end) => new([new([3, 1, 4, 2], [mid, end]), new([3, 1, 4, 5], [mid, end])], [1, 2]);
    }

    [Theory]
    [MemberData(nameof(Executors))]
    public void A_mean_over_one_prompt_is_named(bool naive)
    {
        ToyPrompts templates = new([.. _prompts.Prompts.Select((prompt, i) => prompt with { Template = i })]);
        const string Lone = "X.Mean: the mean over prompts of one template is the value that is there in 3 of 3 prompts (such as 0)";
        Assert.Contains(Warnings(templates, null), warning => warning.StartsWith(Lone, StringComparison.Ordinal));

        // Of another run, over all templates, or over several prompts it is a mean.
        foreach ((IPromptSet prompts, string? from, bool across) in new (IPromptSet, string?, bool)[]
            { (templates, "corrupted", false), (templates, null, true), (_prompts, null, false) })
            Assert.DoesNotContain(Warnings(prompts, from, across), warning => warning.Contains("the mean over", StringComparison.Ordinal));

        IEnumerable<string> Warnings(IPromptSet prompts, string? from, bool acrossTemplates = false)
        {
            InterventionGraph graph = new()
            {
                Name = "X",
                Writes = [BuiltInWrites.Mean("blocks.0.z[pos=end]", from, pooled: false, acrossTemplates: acrossTemplates)],
                Metrics = [s_correct],
            };
            using RunResult run = graph.Run(_model, prompts, new RunOptions { Naive = naive });
            return run.Warnings;
        }
    }

    [Theory]
    [MemberData(nameof(Executors))]
    public void Every_value_is_counted(bool naive)
    {
        Tensor half = full([ToyModel.Width], 0.5, dtype: float64);
        using RunResult run = Run(naive, new()
        {
            Name = "X",
            Sweeps = [SweepAxis.OfNumbers("alpha", 0, 1, -2)],
            Writes = [BuiltInWrites.Add("D", "embed[pos=mid,end]", half, "{alpha}"), BuiltInWrites.Zero("blocks.0.z[head=1]")],
            Captures = [s_logits, new("Z", "blocks.0.z[head=1]", [s_value], x => x[0], BeforeWrites: true)],
        });
        // Three prompts, two positions; with α = 0 nothing changes.
        Assert.Equal(new WriteEffect("D", "embed[pos=mid,end]", null, 3 * 36, 3 * 36, 3 * 36, 2 * 36, 1), Rounded(run.Effects[0]));
        long tokens = 4 + 3 + 4;
        Assert.Equal(
            new WriteEffect("Zero", "blocks.0.z[head=1]", null, 3 * tokens * 4, 3 * tokens * 4, 3 * tokens * 4, 3 * tokens * 4, Largest(
                run.Changed("Z").Values)),
            Rounded(run.Effects[1]));
        Assert.Empty(run.Warnings);
    }

    [Theory]
    [MemberData(nameof(Executors))]
    public void Parts_of_one_write_are_counted_apart(bool naive)
    {
        const string Site = "blocks.0.resid[pos=end]";
        WriteNode fused = WriteNode.Fuse(
            BuiltInWrites.Scale(Site, 3), new("Same", Site, [s_value], x => x[0]), BuiltInWrites.Scale(Site, 2));
        using RunResult run = Run(naive, new()
        {
            Name = "X",
            Writes = [fused],
            Captures = [s_logits, new("Before", Site, [s_value], x => x[0], BeforeWrites: true)],
        });
        double largest = Largest(run.Changed("Before").Values);
        Assert.Equal(["Scale", "Same", "Scale"], run.Effects.Select(effect => effect.Write));
        Assert.Equal([18L, 0, 18], run.Effects.Select(effect => effect.Changed));
        Assert.Equal(
            [Math.Round(2 * largest, 9), 0, Math.Round(3 * largest, 9)], run.Effects.Select(effect => Math.Round(effect.Largest, 9)));
        Assert.Equal(
            "X.Same changed nothing: 'blocks.0.resid[pos=end]' has the same values without it on any prompt.", Assert.Single(run.Warnings));
    }

    [Theory]
    [MemberData(nameof(Executors))]
    public void An_include_is_counted_under_its_name(bool naive)
    {
        InterventionGraph inner =
            new() { Name = "Inner", Runs = [new("side")], Writes = [new("P", "embed", [s_value], x => x[0] * 2, "side")] };
        InterventionGraph outer = new()
        {
            Name = "X",
            Writes = [new("Take", "blocks.1.out", [new Read.From("Half.side")], x => x[0])],
            Captures = [s_logits],
        };
        using RunResult run = Run(naive, outer.Including(inner, "Half"));
        Assert.Equal(("Half.P", "Half.side"), (run.Effects[0].Write, run.Effects[0].Run));
        Assert.True(run.Effects[0].Changed > 0 && run.Effects[1].Changed > 0);
    }

    [Theory]
    [MemberData(nameof(Executors))]
    public void A_write_without_effect_is_a_warning_and_strictly_an_error(bool naive)
    {
        InterventionGraph graph = new()
        {
            Name = "X",
            Writes = [
                BuiltInWrites.Scale("blocks.{layer}.out", 1), new("FromItself", "embed", [new Read.From("clean")], x => x[0]),
                BuiltInWrites.Scale("embed", 2)],
            Captures = [s_logits],
        };
        string[] expected =
        [
            "X.Scale changed nothing: 'blocks.{layer}.out' has the same values without it on any prompt and point of the sweep.",
            "X.FromItself changed nothing: 'embed' has the same values without it on any prompt and point of the sweep.",
        ];
        using (RunResult run = Run(naive, graph))
        {
            Assert.Equal(expected, run.Warnings.AsEnumerable());
            Assert.Equal(2L * 11 * 6, run.Effects[2].Changed);
        }
        Assert.Equal(string.Join(' ', expected), Assert.Throws<InterventionException>(() => Run(naive, graph, strict: true)).Message);
    }

    [Theory]
    [MemberData(nameof(Executors))]
    public void Freezes_and_copies_up_to_the_first_other_token_are_exempt(bool naive)
    {
        // The runs differ from token 2 on.
        ToyPrompts prompts = new(new PromptTokens([new([1, 2, 3, 4], [1, 3]), new([1, 2, 5, 4], [1, 3])], [0, 1]));
        Assert.Empty(Warnings(BuiltInWrites.Freeze("blocks.1.z", null)));
        // It is said that the prompt is no pair for them, not that they changed nothing on any prompt.
        const string NoPair = "copies what is there already in 1 of 1 prompt (0)";
        Assert.Contains(NoPair, Assert.Single(Warnings(new WriteNode("Copy", "blocks.0.resid[pos=1]", new WriteKind.Copy("corrupted")))));
        Assert.Contains(NoPair, Assert.Single(Warnings(new WriteNode("Own", "blocks.0.resid[pos=0..1]", [s_corrupted], x => x[0]))));
        Assert.Contains(NoPair, Assert.Single(Warnings(new WriteNode("Swept", "blocks.0.resid[pos={p=0..1}]", [s_corrupted], x => x[0]))));
        // From there on, or of what is no other run's value of the same site, it is a mistake.
        Assert.Single(Warnings(new WriteNode("Late", "embed[pos=3]", [s_corrupted], x => x[0])));
        Assert.Single(Warnings(new WriteNode("Value", "embed[pos=1]", [s_value], x => x[0])));
        // Copies of copies, but not of what else is written.
        DerivedRun side = new("side");
        WriteNode receiver = new("Receiver", "blocks.1.resid[pos=1]", new WriteKind.Copy("side"));
        string[] copies = Warnings(
            side, new WriteNode("Sender", "blocks.0.z[head=1; pos=1]", new WriteKind.Copy("corrupted"), "side"), receiver);
        Assert.Equal(2, copies.Length);
        Assert.All(copies, warning => Assert.Contains(NoPair, warning));
        Assert.StartsWith(
            "X.Scale changed nothing: 'blocks.0.z[head=1; pos=1]' in run 'side' has",
            Warnings(side, BuiltInWrites.Scale("blocks.0.z[head=1; pos=1]", 1, "side"), receiver)[0]);
        Assert.Empty(Warnings(side, BuiltInWrites.Scale("blocks.0.z[head=1; pos=1]", 2, "side"), receiver));

        string[] Warnings(params object[] parts)
        {
            InterventionGraph graph = new()
            {
                Name = "X",
                Runs = [.. parts.OfType<DerivedRun>()],
                Writes = [.. parts.OfType<WriteNode>()],
                Captures = [s_logits],
            };
            using RunResult run = InterventionRunner.Run(graph, _model, prompts, new RunOptions { Naive = naive });
            return [.. run.Warnings];
        }
    }

    [Theory]
    [MemberData(nameof(Executors))]
    public void Prompts_that_are_no_pair_for_a_copy_are_reported_by_number(bool naive)
    {
        // The runs of prompts 0 and 2 differ from token 2 on, those of prompt 1 from the first; those of prompt 3 not at all.
        ToyPrompts prompts = new(Pair([1, 2, 3, 4], [1, 2, 5, 4]), Pair([1, 2, 3, 4], [5, 2, 3, 4]), Pair([2, 2, 2, 2], [2, 2, 3, 3]), Pair(
            [6, 2, 1, 3], [6, 2, 1, 3]));
        const string Same = "their runs have the same tokens up to the positions that";
        Assert.Equal(
            $"X.Copy copies what is there already in 3 of 4 prompts (0, 2, 3): {Same} 'blocks.0.resid[pos=1]' selects.",
            Assert.Single(Warnings(new WriteNode("Copy", "blocks.0.resid[pos=1]", new WriteKind.Copy("corrupted")))));
        Assert.Equal(
            $"X.Method copies what is there already in 1 of 4 prompts (3): {Same} 'blocks.0.resid' selects.",
            Assert.Single(Warnings(new WriteNode("Method", "blocks.0.resid", [s_corrupted], x => x[0]))));
        // A sweep over positions begins before the first other token in every prompt; one over runs has a point for each pair.
        Assert.Contains(
            "(3)", Assert.Single(Warnings(new WriteNode("Swept", "blocks.0.resid[pos={p=0..3}]", new WriteKind.Copy("corrupted")))));
        Assert.Contains(
            "in 3 of 4", Assert.Single(Warnings(new WriteNode("Runs", "blocks.0.resid[pos=1]", new WriteKind.Copy("{donor}")))));
        // A derived run's copies are another run's, and named with it; freezes and values of other sites are exempt.
        DerivedRun side = new("side");
        WriteNode sender = new("Sender", "blocks.0.z[head=1; pos=1]", new WriteKind.Copy("corrupted"), "side");
        WriteNode receiver = new("Receiver", "blocks.1.resid[pos=2]", new WriteKind.Copy("side"));
        Assert.Equal(
            [
                $"X.Sender copies what is there already in 3 of 4 prompts (0, 2, 3): {Same} 'blocks.0.z[head=1; pos=1]' in run 'side' "
                    + $"selects.",
                $"X.Receiver copies what is there already in 1 of 4 prompts (3): {Same} 'blocks.1.resid[pos=2]' selects.",
            ],
            Warnings(side, sender, receiver));
        Assert.Empty(Warnings(BuiltInWrites.Freeze("blocks.1.z", null), new WriteNode(
            "Site", "blocks.1.resid[pos=1]", [new Read.From("corrupted", "embed[pos=end]")], x => x[0])));

        string[] Warnings(params object[] parts)
        {
            InterventionGraph graph = new()
            {
                Name = "X",
                Runs = [.. parts.OfType<DerivedRun>()],
                Writes = [.. parts.OfType<WriteNode>()],
                Captures = [s_logits],
            };
            using RunResult run = InterventionRunner.Run(graph, _model, prompts, new RunOptions { Naive = naive, BatchSize = 3 });
            RunOptions strict = new() { Naive = naive, BatchSize = 3, Strict = true };
            if (run.Warnings.IsEmpty)
                InterventionRunner.Run(graph, _model, prompts, strict).Dispose();
            else
                Assert.Equal(
                    string.Join(' ', run.Warnings),
                    Assert.Throws<InterventionException>(() => InterventionRunner.Run(graph, _model, prompts, strict)).Message);
            return [.. run.Warnings];
        }

        static PromptTokens Pair(long[] clean, long[] corrupted) => new([new(clean, [1, 3]), new(corrupted, [1, 3])], [0, 1]);
    }

    [Theory]
    [MemberData(nameof(Executors))]
    public void A_method_that_makes_non_finite_values_is_named_and_strictly_refused(bool naive)
    {
        const string Said = "returned values that are infinite or no numbers, though all that it read is finite.";
        WriteNode infinite = new("Infinite", "embed[pos=end]", [s_value], x => x[0] / 0);
        CaptureNode after = new("After", "embed", [s_value], x => x[0] * 2);
        CaptureNode log = new("Log", "embed[pos=0]", [s_value], x => -x[0].abs().log() * 0 / 0);
        using (RunResult run = Run(naive, new() { Name = "X", Writes = [infinite], Captures = [after], Metrics = [s_correct] }))
            Assert.Equal([$"X.Infinite {Said}"], run.Warnings.AsEnumerable());
        using (RunResult run = Run(
            naive, new() { Name = "X", Captures = [log], Metrics = [new("Metric", [new Read.Logit("correct", "end")], x => x[0] / 0)] }))
            Assert.Equal([$"X.Log {Said}", $"X.Metric {Said}"], run.Warnings.AsEnumerable());
        // Only a method of the user's is named: an infinite strength is meant.
        using (RunResult run = Run(
            naive, new() { Name = "X", Writes = [BuiltInWrites.Scale("embed", double.PositiveInfinity)], Captures = [after] }))
            Assert.Empty(run.Warnings);
        Assert.Equal(
            $"X.Infinite {Said}",
            Assert.Throws<InterventionException>(
                () => Run(naive, new() { Name = "X", Writes = [infinite], Captures = [after] }, strict: true)).Message);
    }

    [Fact]
    public async Task Prompts_that_are_no_pair_are_reported_by_batch_and_in_files()
    {
        ToyPrompts prompts = new(
            [.. Enumerable.Range(0, 8).Select(i => new PromptTokens([new([i, 1], [0, 1]), new([i, i == 7 ? 2 : 1], [0, 1])], [0, 1]))]);
        InterventionGraph graph =
            new() { Name = "X", Writes = [new WriteNode("Copy", "embed", new WriteKind.Copy("corrupted"))], Metrics = [s_correct] };
        const string Whole =
            "X.Copy copies what is there already in 7 of 8 prompts (0, 1, 2, 3, 4 and 2 more): their runs have the same tokens up to "
                + "the positions that 'embed' selects.";
        using TemporaryFolder folder = new();
        string path = folder["result.safetensors"];
        using (RunResult run = InterventionRunner.Run(graph, _model, prompts))
        {
            Assert.Equal([Whole], run.Warnings.AsEnumerable());
            run.Save(path);
        }
        using (RunResult loaded = RunResult.Load(path))
            Assert.Equal([Whole], loaded.Warnings.AsEnumerable());
        List<string> said = [];
        await foreach (RunResult batch in InterventionRunner.StreamAsync(
            graph, _model, prompts, output => output, new RunOptions { BatchSize = 5 }))
        {
            said.AddRange(batch.Warnings.Select(warning => warning.Split(':')[0]));
            batch.Dispose();
        }
        Assert.Equal(
            [
                "X.Copy copies what is there already in 5 of 5 prompts (0, 1, 2, 3, 4)",
                "X.Copy copies what is there already in 2 of 3 prompts (5, 6)",
            ],
            said);
        InterventionException thrown = await Assert.ThrowsAsync<InterventionException>(async () =>
        {
            await foreach (RunResult batch in InterventionRunner.StreamAsync(
                graph, _model, prompts, output => output, new RunOptions { BatchSize = 5, Strict = true }))
                batch.Dispose();
        });
        Assert.Equal(Whole, thrown.Message);
    }

    [Fact]
    public void What_nobody_reads_is_said_so()
    {
        InterventionGraph graph =
            new() { Name = "X", Writes = [BuiltInWrites.Scale("blocks.1.resid[pos=0..1]", 2)], Metrics = [s_correct] };
        using (RunResult run = Run(naive: false, graph))
        {
            Assert.Equal(new WriteEffect("Scale", "blocks.1.resid[pos=0..1]", null, 36, 0, 0, 0, 0), Assert.Single(run.Effects));
            Assert.Equal(
                "X.Scale is never read: nothing that is kept depends on 'blocks.1.resid[pos=0..1]' on any prompt.",
                Assert.Single(run.Warnings));
        }
        Assert.StartsWith(
            "X.Scale is never read", Assert.Throws<InterventionException>(() => Run(naive: false, graph, strict: true)).Message);
        using RunResult all = Run(naive: true, graph);
        Assert.Equal(36, all.Effects[0].Changed);
    }

    [Fact]
    public void What_is_overwritten_unseen_is_compared_in_strict_runs()
    {
        InterventionGraph graph = new()
        {
            Name = "X",
            Writes = [BuiltInWrites.Scale("embed[pos=end]", 2), new("Over", "blocks.1.resid", [s_corrupted], x => x[0] * 2)],
            Captures = [s_logits, new("Early", "blocks.0.resid", [s_value], x => x[0])],
        };
        using RunResult naive = Run(naive: true, graph);
        using RunResult planned = Run(naive: false, graph);
        using RunResult strict = Run(naive: false, graph, strict: true);
        Assert.Equal(naive.Effects.Select(Rounded), strict.Effects.Select(Rounded));
        // Before the end nothing is the changed run's own, so what is found there is the clean run's, at no cost.
        Assert.Equal((11L * 6, 11L * 6, 8L * 6, 8L * 6), (
            planned.Effects[1].Selected, planned.Effects[1].Written, planned.Effects[1].Compared, planned.Effects[1].Changed));
        // That a strict run looks at what is overwritten does not make it read.
        foreach (bool strictly in new[] { false, true })
        {
            string message = strictly
                ? Assert.Throws<InterventionException>(() => Run(naive: false, graph with { Captures = [s_logits] }, strict: true)).Message
                : Warning(graph with { Captures = [s_logits] });
            Assert.Equal("X.Scale is never read: nothing that is kept depends on 'embed[pos=end]' on any prompt.", message);
        }

        string Warning(InterventionGraph unread)
        {
            using RunResult run = Run(naive: false, unread);
            return Assert.Single(run.Warnings);
        }
    }

    private RunResult Run(bool naive, InterventionGraph graph, bool strict = false) =>
        InterventionRunner.Run(graph, _model, _prompts, new RunOptions { Naive = naive, Strict = strict, BatchSize = 2 });

    private static double Largest(Tensor values) => Math.Round(values.abs().max().item<double>(), 9);

    private static WriteEffect Rounded(WriteEffect effect) => effect with { Largest = Math.Round(effect.Largest, 9) };
}
