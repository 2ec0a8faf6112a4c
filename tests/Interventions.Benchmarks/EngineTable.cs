using System.Globalization;
using Interventions.Models.Decoder;
using Interventions.Planning;
using TorchSharp;

namespace Interventions.Benchmarks;

/// <summary>
/// Runs by a plan against the naive run, which is as many full forward passes as there are variants, and one for each run of the prompts;
/// or against what plain code does.
/// </summary>
/// <param name="model">The model.</param>
/// <param name="repeats">How often each side is measured.</param>
/// <param name="only">Rows whose name contains it.</param>
/// <param name="isWhole">Whether the naive run runs all variants, not a sample.</param>
internal sealed class EngineTable(DecoderModel model, int repeats, string only, bool isWhole)
{
    /// <summary>How many forward passes of plain code stand against a naive run, in a repeat.</summary>
    private const int StraightForwards = 10;

    private readonly RandomPairs _from0 = new(8, 16, 0), _from4 = new(8, 16, 4), _single = new(8, 16, 0, runs: 1);
    private readonly ProductClock _clock = new(model);

    public void Print()
    {
        BenchmarkRow.PrintHeader();
        Forward("the model's graph", () => model.Forward(Work.Ids(_single)).Dispose(), graph: null, 0.97);
        Forward("empty intervention, logits kept", Work.Capture("logits"), 0.97);
        Forward("empty intervention, two logits", Work.Measured, 0.97);
        Sweep("144 heads' z at end", 31, Work.Patch("blocks.{layer}.attn.z[head={head}; pos=end]"), _from0, Work.Patch(
            "blocks.{layer}.attn.z[head=0; pos=end]"));
        Sweep("144 heads' z, from token 0", 3.1, Work.Patch("blocks.{layer}.attn.z[head={head}]"), _from0, Work.Patch(
            "blocks.{layer}.attn.z[head=0]"));
        Sweep("144 heads' z, from token 4", 4.1, Work.Patch("blocks.{layer}.attn.z[head={head}]"), _from4, Work.Patch(
            "blocks.{layer}.attn.z[head=0]"));
        Sweep("192 of resid_pre, from token 0", 5.6, Work.Patch("blocks.{layer}.resid_pre[pos={p}]"), _from0, Work.Patch(
            "blocks.{layer}.resid_pre[pos=8]"));
        Sweep("192 of resid_pre, from token 4", 9.4, Work.Patch("blocks.{layer}.resid_pre[pos={p}]"), _from4, Work.Patch(
            "blocks.{layer}.resid_pre[pos=8]"));
        Sweep("2,304 heads' z at positions", 6.7, Work.Patch("blocks.{layer}.attn.z[head={head}; pos={p}]"), _from0, Work.Patch(
            "blocks.{layer}.attn.z[head=0; pos=8]"));
        Sweep("144 senders at end to logits", 60, Work.Path("blocks.{layer}.attn.z[head={head}; pos=end]"), _from0, Work.Path(
            "blocks.{layer}.attn.z[head=0; pos=end]"));
        Gradients("gradients, 36 ports, 12 inputs", 1.0);
        foreach (int layer in new[] { 0, 6, 11 })
            Forward($"capture resid_post, layer {layer}", Work.Capture($"blocks.{layer}.resid_post"), goal: null);
    }

    private bool IsWanted(string name) => name.Contains(only, StringComparison.Ordinal);

    /// <summary>
    /// A sweep against the naive run of a sample of it, in which every layer has its share: what a forward pass costs does not depend on
    /// what is patched.
    /// </summary>
    private void Sweep(string name, double goal, InterventionGraph graph, RandomPairs prompts, InterventionGraph sample)
    {
        if (!IsWanted(name))
            return;
        if (isWhole)
            sample = graph;
        RunOptions naive = new() { Naive = true };
        OperationCount count = Operations(graph, prompts);
        int all = count.NaiveForwards, some = Operations(sample, prompts).NaiveForwards;
        InterventionGraph least = graph with { Writes = [.. graph.Writes.Take(0)], Runs = [] };
        Measurement[] measured = Interleaved.Measure(
            repeats,
            new Side(Work.Run(graph, model, prompts)),
            new Side(Work.Run(sample, model, prompts, naive), (double)all / some, Work.Run(least, model, prompts, naive)),
            new Side(() => Straight(prompts, StraightForwards), 1.0 / StraightForwards, () => Straight(prompts, 1)));
        double each = measured[1].Minimum / all, straight = measured[2].Minimum;
        new BenchmarkRow(name, measured[0], "naive run" + (some < all ? $", {some} passes sampled" : ""), measured[1])
        {
            Goal = goal,
            Operations = (count.Planned, count.Naive),
            Products = Products(graph, prompts),
            Remark = string.Create(
                CultureInfo.InvariantCulture,
                $"{measured[0].Minimum / straight:0.0} plain passes; {all:#,0} x {each:0.0} ms, {100 * each / straight:0.0} % of plain "
                    + $"{straight:0.0} ms: {BenchmarkRow.Met(each <= 1.05 * straight, each <= 1.05 * straight)}"),
        }.Print();
    }

    private void Forward(string name, InterventionGraph graph, double? goal) => Forward(name, Work.Run(graph, model, _single), graph, goal);

    /// <summary>A run without writes against a plain forward pass.</summary>
    private void Forward(string name, Action ours, InterventionGraph? graph, double? goal)
    {
        if (!IsWanted(name))
            return;
        OperationCount count = Operations(graph ?? Work.Capture("logits"), _single);
        Measurement[] measured = Interleaved.Measure(4 * repeats, new Side(ours), new Side(() => Straight(_single, 1)));
        new BenchmarkRow(name, measured[0], "plain forward pass", measured[1])
        {
            Goal = goal,
            Operations = (count.Planned, count.Naive / count.NaiveForwards),
            Products = graph is null ? null : Products(graph, _single),
            Remark = string.Create(
                CultureInfo.InvariantCulture,
                $"memory grows by {Growth(ours):0.0} MiB, plain {Growth(() => Straight(_single, 1)):0.0} MiB"),
        }.Print();
    }

    private void Gradients(string name, double goal)
    {
        if (!IsWanted(name))
            return;
        OperationCount count = Operations(Work.Gradients, _single);
        Measurement[] measured = Interleaved.Measure(
            repeats, new Side(Work.Run(Work.Gradients, model, _single)), new Side(() => Work.ForwardAndBackward(model, _single)));
        new BenchmarkRow(name, measured[0], "plain forward and backward", measured[1])
        {
            Goal = goal,
            // Backward as many as forward: weights are frozen.
            Operations = (2 * count.Planned, 2 * count.Naive / count.NaiveForwards),
        }.Print();
    }

    private void Straight(RandomPairs prompts, int times)
    {
        for (int i = 0; i < times; i++)
        {
            using DisposeScope scope = torch.NewDisposeScope();
            StraightLine.Gpt2(model, Work.Ids(prompts));
        }
    }

    private OperationCount Operations(InterventionGraph graph, RandomPairs prompts) =>
        PlanExplanation.Operations(InterventionRunner.Plans(graph, model, prompts).Single());

    private double Products(InterventionGraph graph, RandomPairs prompts) => _clock.Share(Work.Run(graph, _clock.Model, prompts));

    private static double Growth(Action action) => PeakMemory.Of(() => Interleaved.Time(action)).Growth / 1048576.0;
}
