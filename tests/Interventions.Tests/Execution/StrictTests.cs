using System.Collections.Immutable;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Execution;

/// <summary>Promises are broken on purpose: a strict run says which, an ordinary one pays nothing for it.</summary>
public sealed class StrictTests : IDisposable
{
    private static readonly Read s_value = new Read.Value(), s_corrupted = new Read.From("corrupted");
    private static readonly CaptureNode s_logits = new("Logits", "logits", [s_value], x => x[0]);

    private readonly ToyModel _model = new();
    private readonly DisposeScope _scope = NewDisposeScope();

    public static TheoryData<bool> Executors => [true, false];

    public void Dispose()
    {
        _scope.Dispose();
        _model.Dispose();
    }

    [Theory]
    [MemberData(nameof(Executors))]
    public void A_method_that_writes_into_an_argument_is_named(bool naive)
    {
        Refused(naive, "X.P writes into its parameter 2 (corrupted), which it only borrows", Patch([s_value, s_corrupted], x =>
        {
            x[1].select(1, 0).zero_();
            return x[0] * 2;
        }));
        Refused(
            naive, "X.C writes into its parameter 1 (value)",
            new() { Name = "X", Captures = [new("C", "embed", [s_value], x => x[0].add_(1))] });
        Refused(
            naive, "X.M writes into its parameter 1 (logits at end)",
            new() { Name = "X", Metrics = [new("M", [new Read.Logits("end")], x => x[0].zero_().sum(-1))] });
    }

    [Theory]
    [MemberData(nameof(Executors))]
    public void A_method_that_disposes_an_argument_is_named(bool naive) =>
        Refused(naive, "X.P disposes its parameter 1 (value), which it only borrows", Patch([s_value], x =>
        {
            using Tensor value = x[0];
            return value * 2;
        }));

    [Theory]
    [MemberData(nameof(Executors))]
    public void Returning_an_argument_is_legal(bool naive) =>
        Runs(naive, Patch([s_corrupted], x => x[0]) with { Captures = [s_logits, new("C", "embed", [s_value], x => x[0])] });

    [Theory]
    [MemberData(nameof(Executors))]
    public void Pointwise_is_checked(bool naive)
    {
        InterventionGraph Graph(MethodBody body, bool isPointwise) => new()
        {
            Name = "X",
            Writes = [new("P", "blocks.0.resid", [s_value, s_corrupted], body) { Pointwise = isPointwise }],
            Captures = [s_logits],
        };
        MethodBody broken = x => x[0] - x[1].mean([1L], keepdim: true), first = x => x[0] + x[0].narrow(1, 0, 1);
        Refused(
            naive, "X.P is declared [Pointwise], and makes something else of a position when other positions are selected with it",
            Graph(broken, true));
        Refused(naive, "X.P is declared [Pointwise]", Graph(first, true));
        Refused(naive, "Of some of them alone it says: ", Graph(
            x => x[0] + arange(x[0].shape[1] == 3 ? 3 : 4, dtype: float64).unsqueeze(1), true));
        Runs(naive, Graph(broken, false));
        Runs(naive, Graph(first, false));
        Runs(naive, Graph(x => (x[0] * x[1]).tanh(), true));
    }

    [Theory]
    [MemberData(nameof(Executors))]
    public void Mixing_prompts_is_checked(bool naive)
    {
        const string Site = "blocks.0.resid[pos=end]";
        MethodBody broken = x => x[0] - (0.25 * x[0].mean([0L], keepdim: true)), neighbour = x => x[0] + x[0].roll(2, 0);
        foreach (MethodBody body in new[] { broken, neighbour })
        {
            InterventionGraph Graph(bool isAcross) => new()
            {
                Name = "X",
                Writes = [new("P", Site, [s_value], body) { AcrossBatch = isAcross }],
                Captures = [new("C", Site, [s_value], body) { AcrossBatch = isAcross }],
                Metrics = [new("M", [new Read.Of(Site)], x => body(x).sum([1L, 2L])) { AcrossBatch = isAcross }],
            };
            InterventionGraph mixes = Graph(true), silent = Graph(false);
            Refused(
                naive, "X.P makes something else of a prompt when other prompts are run with it", mixes with { Writes = silent.Writes });
            Refused(naive, "Declare it [AcrossBatch] if that is meant", mixes with { Captures = silent.Captures });
            Refused(naive, "X.M makes something else", mixes with { Metrics = silent.Metrics });
            using RunResult run = Run(naive, mixes, strict: true);
            using RunResult clean = Run(naive, new() { Name = "X", Captures = [new("C", Site, [s_value], x => x[0])] }, strict: true);
            Tensor expected = body([body([clean.Run("clean")["C"]])]);
            Assert.InRange((expected - run.Changed("C").Values).abs().max().item<double>(), 0, 1e-9);
        }
    }

    [Theory]
    [MemberData(nameof(Executors))]
    public void What_mixes_prompts_gets_all_of_them(bool naive)
    {
        InterventionGraph Graph(string site) => new()
        {
            Name = "X",
            Writes = [new("P", site, [s_value], x => x[0].roll(1, 0)) { AcrossBatch = true }],
            Captures = [s_logits],
        };
        ToyPrompts mixed = ToyPrompts.Random(3, 4, 5), many = ToyPrompts.Random(3, 4, 4, 4);
        Assert.Equal(
            "X.P is declared [AcrossBatch], so that it needs all 3 prompts at once, which are 2 batches: set BatchSize to 3.",
            Assert.Throws<InterventionException>(
                () => InterventionRunner.Run(Graph("embed"), _model, many, new RunOptions { Naive = naive, BatchSize = 2 })).Message);
        Assert.Contains(
            "'embed' selects more of some than of others, as they have 4 to 5 tokens",
            Assert.Throws<InterventionException>(
                () => InterventionRunner.Run(Graph("embed"), _model, mixed, new RunOptions { Naive = naive })).Message);
        using ToyEncoder encoder = new();
        Assert.Contains(
            "a model whose tokens see later ones runs prompts of different length apart",
            Assert.Throws<InterventionException>(
                () => InterventionRunner.Run(Graph("embed[pos=end]"), encoder, mixed, new RunOptions { Naive = naive })).Message);
        Assert.Contains(
            "set BatchSize to 3",
            Assert.Throws<InterventionException>(
                () => GenerationRunner.Generate(Graph("embed[pos=end]"), _model, many, new GenerationOptions { BatchSize = 2 })).Message);
        if (!naive)
            Assert.Contains(
                "X.P is declared [AcrossBatch], so that it needs all 3 prompts at once: about",
                Assert.Throws<InterventionException>(
                    () => InterventionRunner.Run(Graph("embed"), _model, many, new RunOptions { MemoryBudget = 100 })).Message);
        using RunResult run = InterventionRunner.Run(
            Graph("embed[pos=end]"), _model, mixed, new RunOptions { Naive = naive, Strict = true });
        Assert.Equal(12, run.Effects[0].Changed);
    }

    [Theory]
    [MemberData(nameof(Executors))]
    public void What_is_random_cannot_be_checked_and_is_said_so(bool naive)
    {
        using Generator generator = new(1);
        using RunResult run = Run(
            naive, Patch([s_value], x => x[0] + randn(x[0].shape, dtype: float64, generator: generator)), strict: true);
        Assert.Contains("X.P returns something else each time", Assert.Single(run.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void An_ordinary_run_calls_a_method_once_and_a_pointwise_one_for_what_is_read()
    {
        foreach (bool isPointwise in new[] { true, false })
        {
            List<long> positions = [];
            InterventionGraph graph = new()
            {
                Name = "X",
                Writes = [new("P", "blocks.1.resid", [s_value], Body) { Pointwise = isPointwise }],
                Metrics = [new("M", [new Read.Logit("correct", "end")], x => x[0])],
            };
            using (Run(naive: false, graph, strict: false))
                Assert.Equal(isPointwise ? 1L : 4L, Assert.Single(positions));
            positions.Clear();
            using (Run(naive: false, graph, strict: true))
                Assert.True(positions.Count > 1 && positions.Contains(4));

            Tensor Body(ReadOnlySpan<Tensor> arguments)
            {
                positions.Add(arguments[0].shape[1]);
                return arguments[0].sin();
            }
        }
    }

    private static InterventionGraph Patch(ImmutableArray<Read> reads, MethodBody body) =>
        new() { Name = "X", Writes = [new("P", "blocks.0.resid", reads, body)], Captures = [s_logits] };

    private void Refused(bool naive, string message, InterventionGraph graph) =>
        Assert.Contains(
            message, Assert.Throws<InterventionException>(() => Run(naive, graph, strict: true).Dispose()).Message,
            StringComparison.Ordinal);

    /// <summary>Strictly too, with the same values.</summary>
    private void Runs(bool naive, InterventionGraph graph)
    {
        using RunResult strict = Run(naive, graph, strict: true), ordinary = Run(naive, graph, strict: false);
        Assert.Empty(strict.Warnings);
        Assert.InRange((strict.Changed("Logits").Values - ordinary.Changed("Logits").Values).abs().max().item<double>(), 0, 1e-9);
    }

    private RunResult Run(bool naive, InterventionGraph graph, bool strict) =>
        InterventionRunner.Run(graph, _model, ToyPrompts.Random(3, 4, 4, 4, 4, 4), new RunOptions { Naive = naive, Strict = strict });
}
