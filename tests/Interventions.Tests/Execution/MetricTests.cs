using Interventions.Binding;
using Interventions.Execution;
using Interventions.Runtime;
using static TorchSharp.torch;

namespace Interventions.Tests.Execution;

/// <summary>Metrics by what they read.</summary>
public sealed class MetricTests : ToyTest
{
    [Fact]
    public void Metrics_read_all_logits_other_runs_and_sites()
    {
        ToyPrompts prompts = ToyPrompts.Random(8, 4, 4);
        InterventionGraph graph = new()
        {
            Name = "Metrics",
            Writes = [BuiltInWrites.Freeze("blocks.0.z", "corrupted")],
            Metrics =
            [
                new(
                    "Divergence", [new Read.Logits("end", "clean"), new Read.Logits("end")],
                    x => (x[0].softmax(-1) * (x[0].log_softmax(-1) - x[1].log_softmax(-1))).sum(-1)),
                new(
                    "LogProbability", [new Read.Logits("end"), new Read.AnswerIds("correct")],
                    x => x[0].log_softmax(-1).gather(1, x[1].unsqueeze(1)).squeeze(1)),
                new("Norm", [new Read.Of("blocks.1.resid[pos=mid]")], x => x[0].pow(2).sum([1L, 2L])),
                new("Gap", [new Read.Logit("correct", "end"), new Read.Logit("correct", "end", "clean")], x => x[0] - x[1]),
            ],
        };
        using RunResult run = Run(graph, prompts);
        Tensor clean = Forward(prompts, 0).select(1, -1).log_softmax(-1);
        Tensor donor = Values(prompts, 1, "blocks.0.z");
        Tensor changed = Values(prompts, 0, "logits", ("blocks.0.z", _ => donor)).select(1, -1).log_softmax(-1);
        Close((clean.exp() * (clean - changed)).sum(-1), run.Changed("Divergence").Values);
        Close(zeros(2, dtype: float64), run.Run("clean")["Divergence"]);
        Close(
            stack(Enumerable.Range(0, 2).Select(row => changed[row, prompts.Prompts[row].Answers[0]])),
            run.Changed("LogProbability").Values);
        Tensor resid = Values(prompts, 1, "blocks.1.resid");
        Close(
            stack(Enumerable.Range(0, 2).Select(row => resid[row, prompts.Prompts[row].Runs[1].Positions[0]].pow(2).sum())),
            run.Run("corrupted")["Norm"]);
        Close(zeros(2, dtype: float64), run.Run("clean")["Gap"]);
    }

    [Fact]
    public void A_metric_may_read_a_site_of_another_run_and_sees_no_padding()
    {
        ToyPrompts prompts = ToyPrompts.Random(1, 6, 3, 4);
        InterventionGraph graph = new()
        {
            Name = "Donor",
            Metrics = [new MetricNode(
                "Shift", [new Read.From("corrupted", "blocks.1.out"), new Read.Logit("correct", "end")], x => x[0].mean([1, 2]) + x[1])],
        };
        using RunResult together = Run(graph, prompts);
        for (int row = 0; row < 3; row++)
        {
            using RunResult alone = Run(graph, prompts.Only(row));
            Close(alone.Changed("Shift").Values, together.Changed("Shift").Values.narrow(0, row, 1));
        }
    }

    [Fact]
    public void A_metric_of_a_site_needs_no_logits()
    {
        InterventionGraph graph = new()
        {
            Name = "Site",
            Writes = [BuiltInWrites.Zero("blocks.0.z[head={head}]")],
            Metrics = [new("Norm", [new Read.Of("blocks.0.resid[pos=end]")], x => x[0].pow(2).sum([1L, 2L]))],
        };
        BoundIntervention bound = InterventionBinder.Bind(graph, Model.Schema, ToyPrompts.Random(31, 4));
        SweepPoint[] points = [.. bound.Points()];
        Assert.Equal(["blocks.0.resid"], new NaiveReads(bound).Kept(points).Distinct());
        Assert.Equal(["logits"], new NaiveReads(InterventionBinder.Bind(
            graph with { Metrics = [new("Logit", [new Read.Logit("correct", "end")], x => x[0])] }, Model.Schema,
            ToyPrompts.Random(31, 4))).Kept(points).Distinct());
    }
}
