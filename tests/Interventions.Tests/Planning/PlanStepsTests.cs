using Interventions.Binding;
using Interventions.Planning;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Planning;

/// <summary>
/// What is shared and what is left of it, position by position, of a model whose two layers see three positions each: nothing more than
/// what is read.
/// </summary>
public sealed class PlanStepsTests : IDisposable
{
    private const int Clean = 0, Corrupted = 1;

    private readonly WindowedModel _model = new();

    public void Dispose() => _model.Dispose();

    /// <summary>Runs that differ at position 2, and a change at position 4; the metric looks at position 6 of 9.</summary>
    [Fact]
    public void Variants_own_what_differs_and_compute_what_is_read()
    {
        InterventionGraph graph = new()
        {
            Name = "Change",
            Writes = [BuiltInWrites.Scale("blocks.0.sum[pos=4]", 2)],
            Metrics = [
            new("M", [new Read.Logit("right", "mid")], x => x[0])]
        };
        (Expansion plan, OwnRows own, Slices slices) = Plan(graph);
        const int Changed = 3;
        Equal("2", own.After, Corrupted, "tokens", "embed");
        Equal("2,3,4", own.After, Corrupted, "blocks.0.sum", "blocks.0.resid");
        Equal("2,3,4,5,6", own.After, Corrupted, "blocks.1.sum", "blocks.1.resid", "logits");
        Equal("", own.After, Changed, "tokens", "embed");
        Equal("", own.Before, Changed, "blocks.0.sum");
        Equal("4", own.After, Changed, "blocks.0.sum", "blocks.0.resid");
        Equal("4,5,6", own.After, Changed, "blocks.1.sum", "blocks.1.resid", "logits");

        foreach (int run in new[] { Clean, Corrupted, Changed })
            Equal("6", slices.After, run, "blocks.1.sum", "blocks.1.resid", "logits");
        Equal("4,5,6", slices.After, Clean, "blocks.0.sum", "blocks.0.resid");
        Equal("2,3,4,5,6", slices.After, Clean, "tokens", "embed");
        // Position 4 is the earliest that position 6 sees, and position 2 the earliest that 4 sees.
        Equal("4", slices.After, Corrupted, "blocks.0.sum", "blocks.0.resid");
        Equal("2", slices.After, Corrupted, "tokens", "embed");
        Equal("4", slices.After, Changed, "blocks.0.sum", "blocks.0.resid");
        Equal("", slices.Before, Changed, "blocks.0.sum");
        Equal("", slices.After, Changed, "tokens", "embed");

        void Equal(string positions, RowMap rows, int group, params string[] nodes) =>
            Assert.All(nodes, node => Assert.Equal(positions, rows[plan.Groups[group], plan.Id(node), 0].ToString()));
    }

    /// <summary>
    /// A donor is computed where it is read, and its parent where the donor inherits, not where it has values of its own.
    /// </summary>
    [Fact]
    public void Donors_ask_their_parents_for_what_they_inherit()
    {
        InterventionGraph graph = new()
        {
            Name = "Donor",
            Runs = [new DerivedRun("donor")],
            Writes =
            [
                BuiltInWrites.Zero("embed[pos=0]", "donor"),
                new("Take", "blocks.1.sum[pos=6]", [new Read.Value(), new Read.From("donor", "blocks.0.sum[pos=1]")], x => x[0] + x[1]),
            ],
            Metrics = [new("M", [new Read.Logit("right", "mid")], x => x[0])],
        };
        (Expansion plan, _, Slices slices) = Plan(graph);
        const int Donor = 3;
        Equal("0", Donor, "embed");
        Equal("1", Donor, "blocks.0.sum");
        Equal("", Donor, "blocks.0.resid", "blocks.1.sum", "blocks.1.resid", "logits");
        Equal("0,1,2,3,4,5,6", Clean, "embed");
        Equal("4,5,6", Clean, "blocks.0.sum", "blocks.0.resid");

        void Equal(string positions, int group, params string[] nodes) =>
            Assert.All(nodes, node => Assert.Equal(positions, slices.After[plan.Groups[group], plan.Id(node), 0].ToString()));
    }

    /// <summary>
    /// A method that sees all that it selects is called for all of it; one that promises to be pointwise for what is read.
    /// </summary>
    [Theory]
    [InlineData("method", "3,4,5,6,7")]
    [InlineData("pointwise", "4,5,6")]
    [InlineData("mean", "4,5,6")]
    [InlineData("resample", "4,5,6")]
    public void Writes_that_are_pointwise_are_called_for_what_is_read(string kind, string positions)
    {
        const string Site = "blocks.0.sum[pos=3..7]";
        WriteNode write = kind switch
        {
            "mean" => BuiltInWrites.Mean(Site, "corrupted", pooled: false),
            "resample" => BuiltInWrites.Resample(Site, "corrupted", seed: 1),
            _ => new("Half", Site, [new Read.From("corrupted")], x => x[0] / 2) { Pointwise = kind == "pointwise" },
        };
        (Expansion plan, _, Slices slices) = Plan(
            new() { Name = "Narrow", Writes = [write], Metrics = [new("M", [new Read.Logit("right", "mid")], x => x[0])] });
        WriteStep step = Assert.Single(slices.Writes[(3, plan.Id("blocks.0.sum"))].Steps);
        Assert.Equal(positions, string.Join(',', plan.Positions(step.Write.Site, 0, 0, SweepPoint.None)));
        Assert.Equal(kind == "method", step.Widens);
    }

    /// <summary>A run that reads the end of another one, which reads the end of a third.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Donors_behind_what_is_written_are_there_before(bool isDifferentiated)
    {
        using DisposeScope scope = NewDisposeScope();
        InterventionGraph graph = new()
        {
            Name = "Behind",
            Runs = [new DerivedRun("first"), new DerivedRun("second", "corrupted")],
            Writes =
            [
                BuiltInWrites.Zero("embed[pos=0]", "first"),
                new(
                    "Second", "embed[pos=1]", [new Read.Value(), new Read.From("first", "blocks.1.resid[pos=end]")], x => x[0] + x[1],
                    "second"),
                new(
                    "Third", "blocks.{layer}.sum[pos=mid]", [new Read.Value(), new Read.From("second", "logits[pos=end]")],
                    x => x[0] * x[1].mean([-1L], keepdim: true)),
            ],
            Captures = [new("Stream", "blocks.1.resid", [new Read.Value()], x => x[0])],
            Gradients = isDifferentiated ? [new("Gradient", "embed", [new Read.Gradient()], x => x[0])] : [],
            Metrics = [new("Metric", [new Read.Logit("right", "end"), new Read.Logit("wrong", "mid")], x => x[0] - x[1])],
        };
        RandomPrompts prompts = RandomPrompts.Of(2, WindowedModel.Vocabulary, 4, 3, 4);
        using RunResult naive = InterventionRunner.Run(graph, _model, prompts, new RunOptions { Naive = true });
        using RunResult planned = InterventionRunner.Run(graph, _model, prompts);
        foreach (string name in (string[])["Stream", "Metric", .. isDifferentiated ? ["Gradient"] : Array.Empty<string>()])
        {
            Assert.Equal(naive.Changed(name).Values.shape, planned.Changed(name).Values.shape);
            Assert.InRange((naive.Changed(name).Values - planned.Changed(name).Values).abs().max().item<double>(), 0, 1e-9);
            Assert.True((naive.Changed(name).Values - naive.Run("clean")[name]).abs().max().item<double>() > 1e-3);
        }
    }

    private (Expansion Plan, OwnRows Own, Slices Slices) Plan(InterventionGraph graph)
    {
        RunTokens Run(long second) => new([1, 2, second, 3, 4, 5, 6, 0, 1], [6, 8]);
        RandomPrompts prompts = new([new PromptTokens([Run(0), Run(5), Run(0)], [2, 3])]);
        NodeShapes shapes = ShapeProbe.Of(_model.Graph, _model.Device);
        BoundIntervention intervention = InterventionBinder.Bind(graph, _model.Schema, prompts);
        Expansion plan = Expansion.Of(
            new(_model.Graph, shapes, intervention, new PromptBatch(prompts, [0]), RunCount: 3, Budget: long.MaxValue, IsStrict: false));
        OwnRows own = Sharing.Of(plan);
        return (plan, own, Slicing.Of(plan, own));
    }
}
