using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Execution;

/// <summary>Sweeps over places, strengths, runs and named positions, against one declaration a point.</summary>
public sealed class SweepTests : ToyTest
{
    private static readonly MetricNode s_correct = new("Correct", [new Read.Logit("correct", "end")], x => x[0]);

    private readonly ToyPrompts _prompts = ToyPrompts.Random(21, 4, 3, 4);
    private readonly List<RunResult> _outputs = [];

    public override void Dispose()
    {
        _outputs.ForEach(output => output.Dispose());
        base.Dispose();
    }

    [Fact]
    public void A_sweep_is_one_hand_written_run_a_point()
    {
        ToyPrompts prompts = ToyPrompts.Random(3, 4, 4);
        using RunResult output = Run(
            new() { Name = "Sweep", Writes = [Patch("blocks.{layer}.z[head={head}; pos=mid]")], Metrics = [LogitDifference] }, prompts);
        SweptTensor swept = output.Changed("LogitDifference");
        Assert.Equal([ToyModel.Layers, ToyModel.Heads, 2], swept.Values.shape);
        for (int layer = 0; layer < ToyModel.Layers; layer++)
        {
            for (int head = 0; head < ToyModel.Heads; head++)
            {
                string site = $"blocks.{layer}.z";
                Tensor donor = Values(prompts, run: 1, site);
                Tensor logits = Values(prompts, 0, "logits", (site, z =>
                {
                    Tensor patched = z.clone();
                    for (int row = 0; row < 2; row++)
                        patched[row, Mid(prompts, row, 0), head] = donor[row, Mid(prompts, row, 1), head];
                    return patched;
                }
                ));
                Close(Difference(prompts, logits), swept.At(layer, head));
            }
        }
    }

    [Fact]
    public void Strengths_and_factors_are_swept()
    {
        Tensor direction = arange(1, ToyModel.Width + 1, dtype: float64);
        using RunResult run = Run(new()
        {
            Name = "Strengths",
            Sweeps = [SweepAxis.OfNumbers("alpha", -1, 0, 2.5), SweepAxis.OfNumbers("factor", 1, 0.5)],
            Writes = [BuiltInWrites.Scale("blocks.{layer}.out", "{factor}"), BuiltInWrites.Add(
                "Direction", "blocks.0.resid", direction, "{alpha}")],
            Metrics = [s_correct, new(
                "Times", [new Read.Logit("correct", "end"), new Read.Swept("alpha")], x => x[0] * x[1].item<double>())],
        });
        SweptTensor correct = run.Changed("Correct"), times = run.Changed("Times");
        Assert.Equal(["layer", "factor", "alpha"], correct.Sweep.Select(axis => axis.Name));
        Assert.Equal([2L, 2, 3, 3], correct.Values.shape);
        foreach (int layer in new[] { 0, 1 })
        {
            foreach (double factor in new[] { 1, 0.5 })
            {
                foreach (double alpha in new[] { -1, 0, 2.5 })
                {
                    Tensor expected = Correct(BuiltInWrites.Scale($"blocks.{layer}.out", factor), BuiltInWrites.Add(
                        "Direction", "blocks.0.resid", direction, alpha));
                    Close(expected, correct.At(layer, factor, alpha));
                    Close(expected * alpha, times.At(layer, factor, alpha));
                }
            }
        }
        Close(run.Run("clean")["Correct"] * -1, run.Run("clean")["Times"][0, 0, 0]);
        Assert.Contains("layer=0 factor=0.5 alpha=2.5: ", correct.Points()[5].ToString());
        Assert.Equal(2.5, correct.Points()[5].Coordinate("alpha").Number);
        Assert.Equal(0, correct.Points()[5]["layer"]);
        Assert.Contains(
            "ask for Coordinate(\"factor\")", Assert.Throws<InvalidOperationException>(() => correct.Points()[5]["factor"]).Message);
        Assert.Contains("factor 2, only through 1, 0.5", Assert.Throws<ArgumentOutOfRangeException>(() => correct.At(0, 2, 0)).Message);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Runs_are_swept(bool listed)
    {
        using RunResult run = Run(new()
        {
            Name = "Runs",
            Sweeps = listed ? [SweepAxis.OfRuns("donor", "corrupted", "clean")] : [],
            Writes = [BuiltInWrites.Freeze("blocks.0.z", "{donor}")],
            Metrics = [s_correct],
            Captures = [new("Gap", "blocks.0.z", [new Read.Value(), new Read.From("{donor}")], x => (x[0] - x[1]).flatten(1).abs().sum(1))],
        });
        SweptTensor correct = run.Changed("Correct");
        Assert.Equal(listed ? ["corrupted", "clean"] : ["clean", "corrupted"], correct.Sweep[0].Coordinates.ToArray());
        foreach (string donor in new[] { "clean", "corrupted" })
        {
            Close(Correct(BuiltInWrites.Freeze("blocks.0.z", donor)), correct.At(donor));
            Close(zeros(3, dtype: float64), run.Changed("Gap").At(donor));
        }
        Assert.Equal(
            "donor=corrupted", correct.Points().Single(point => point.Coordinate("donor").Name == "corrupted").ToString().Split(':')[0]);
        Assert.Contains(
            "ask for Coordinate(\"donor\")", Assert.Throws<InvalidOperationException>(() => correct.Points()[0]["donor"]).Message);
        // An unchanged run is compared with every donor: with itself there is no difference.
        Tensor gaps = run.Run("corrupted")["Gap"];
        Close(zeros(3, dtype: float64), gaps[listed ? 0 : 1]);
        Assert.True(gaps[listed ? 1 : 0].min().item<double>() > 1e-6);
    }

    [Fact]
    public void Partners_and_means_of_swept_runs()
    {
        using RunResult run = Run(new()
        {
            Name = "References",
            Writes = [BuiltInWrites.Mean("embed[pos=end]", "{run}", pooled: false), BuiltInWrites.Resample(
                "embed[pos=0]", "{run}", seed: 1)],
            Metrics = [s_correct],
        });
        foreach (string donor in new[] { "clean", "corrupted" })
            Close(
                Correct(BuiltInWrites.Mean("embed[pos=end]", donor, pooled: false), BuiltInWrites.Resample("embed[pos=0]", donor, seed: 1)),
                run.Changed("Correct").At(donor));
    }

    [Fact]
    public void Named_positions_keep_their_names()
    {
        using RunResult run = Run(
            new() { Name = "Names", Writes = [BuiltInWrites.Zero("embed[pos={p=mid,end-1,0}]")], Metrics = [s_correct] });
        SweptTensor correct = run.Changed("Correct");
        foreach (string place in new[] { "mid", "end-1", "0" })
            Close(Correct(BuiltInWrites.Zero($"embed[pos={place}]")), correct.At(place));
        Assert.Equal(["p=mid", "p=end-1", "p=0"], correct.Points().Select(point => point.ToString().Split(':')[0]));
        Assert.Contains("p S1, only through mid, end-1, 0", Assert.Throws<ArgumentOutOfRangeException>(() => correct.At("S1")).Message);
    }

    [Fact]
    public void Wrong_sweeps_are_refused()
    {
        WriteNode scale = BuiltInWrites.Scale("embed", "{a}"), freeze = BuiltInWrites.Freeze("embed", "{a}");
        Says("'{a}' has no numbers", [], scale);
        Says("'{a}' has no numbers", [SweepAxis.OfRuns("a", "clean")], scale);
        Says("'{a}' goes through numbers, and Freeze needs a run", [SweepAxis.OfNumbers("a", 1)], freeze);
        Says("'{a}' goes through numbers, and Freeze needs a run", [], BuiltInWrites.Zero("blocks.{a}.out"), freeze);
        Says("swept twice", [SweepAxis.OfNumbers("a", 1), SweepAxis.OfNumbers("a", 2)], scale);
        Says("goes through 1 twice", [SweepAxis.OfNumbers("a", 1, 1)], scale);
        Says("no values", [SweepAxis.OfNumbers("a")], scale);
        Says("no run 'cleam'; did you mean 'clean'?", [SweepAxis.OfRuns("a", "cleam")], freeze);
        Says("goes through numbers and runs", [new SweepAxis("a", [1, "clean"])], freeze);
        Says("no write uses it", [SweepAxis.OfNumbers("b", 1)], BuiltInWrites.Zero("embed"));

        void Says(string text, SweepAxis[] sweeps, params WriteNode[] writes) => Assert.Contains(
            text,
            Assert.Throws<InterventionException>(
                () => Run(new() { Name = "Wrong", Sweeps = [.. sweeps], Writes = [.. writes], Metrics = [s_correct] })).Message);
    }

    [Fact]
    public void Sweep_axes_are_in_the_order_of_the_text()
    {
        using RunResult output = Run(
            new() { Name = "Order", Writes = [Patch("blocks.{layer}.z[head={head}; pos={pos}]")], Metrics = [LogitDifference] },
            ToyPrompts.Random(14, 4));
        Assert.Equal(["layer", "head", "pos"], output.Changed("LogitDifference").Sweep.Select(axis => axis.Name));
        Assert.Equal([ToyModel.Layers, ToyModel.Heads, 4, 1], output.Changed("LogitDifference").Values.shape);
    }

    [Fact]
    public void A_placeholder_ranges_over_what_all_its_uses_have()
    {
        using RunResult output = Run(
            new()
            {
                Name = "Sweep",
                Writes = [Patch("blocks.0.z[head={head}]")],
                Captures = [Capture("Z", "blocks.0.z[head={head=1..2}]")],
                Metrics = [LogitDifference],
            },
            ToyPrompts.Random(13, 4));
        Assert.Equal([1, 2], output.Changed("LogitDifference").Sweep[0].Coordinates.ToArray());
        Assert.Equal([2, 1, 4, 1, ToyModel.HeadSize], output.Changed("Z").Values.shape);
        Assert.Equal([2, 1, 4, 1, ToyModel.HeadSize], output.Run("clean")["Z"].shape);
    }

    [Fact]
    public void A_swept_donor_is_read_at_every_point_in_unchanged_runs_too()
    {
        ToyPrompts prompts = ToyPrompts.Random(2, 4, 4);
        Read donor = new Read.From("corrupted", "blocks.{layer}.out[pos=end]");
        using RunResult output = Run(
            new()
            {
                Name = "Donors",
                Writes = [Zero("blocks.{layer}.z[head=0]")],
                Captures = [new CaptureNode("Difference", "embed[pos=end]", [Value, donor], x => x[0] - x[1])],
                Metrics = [new MetricNode("Norm", [donor], x => x[0].square().sum([1, 2]))],
            },
            prompts);
        Assert.Equal([ToyModel.Layers, 2, 1, ToyModel.Width], output.Run("clean")["Difference"].shape);
        // The embedding lies before the write, and the donor is in an unchanged run: the sweep changes neither.
        Close(output.Run("clean")["Difference"], output.Changed("Difference").Values);
        Close(output.Run("clean")["Norm"], output.Changed("Norm").Values);
        Assert.True((output.Changed("Norm").At(0) - output.Changed("Norm").At(1)).abs().min().item<double>() > 1e-9);
    }

    [Fact]
    public void A_swept_capture_changed_from_its_own_place_in_the_base_run()
    {
        using RunResult output = Run(
            new()
            {
                Name = "Nothing",
                Writes = [new WriteNode("Same", "blocks.{layer}.z", [Value], x => x[0])],
                Captures = [new CaptureNode("Residual", "blocks.{layer}.resid[pos=end]", [Value], x => x[0])],
            },
            ToyPrompts.Random(3, 4, 4));
        Assert.All(output.Changed("Residual").Points(), point => Assert.Equal(0, point.Change, 12));
    }

    [Fact]
    public void A_swept_range_up_to_the_end_is_one_point_a_position()
    {
        ToyPrompts prompts = ToyPrompts.Random(4, 4, 4);
        SweptTensor across = Metric("blocks.0.z[pos={p=1..-1}]", prompts), listed = Metric("blocks.0.z[pos={p=1..3}]", prompts);
        Assert.Equal([1, 2, 3], across.Sweep[0].Coordinates.ToArray());
        Close(listed.Values, across.Values);
        Says("have 3 to 4 tokens", () => Metric("blocks.0.z[pos={p=1..-1}]", ToyPrompts.Random(4, 4, 3)));
        Says("nothing in prompts of 4 tokens", () => Metric("blocks.0.z[pos={p=3..-3}]", prompts));
        Assert.Equal([2], Metric("blocks.0.z[pos={p=2,2}]", prompts).Sweep[0].Coordinates.ToArray());
    }

    [Fact]
    public void A_range_up_to_the_end_is_cut_by_another_use()
    {
        InterventionGraph graph = new()
        {
            Name = "Probe",
            Writes = [BuiltInWrites.Zero("embed[pos={p=0..-1}]"), BuiltInWrites.Zero("blocks.0.out[pos={p=1..2}]")],
            Metrics = [s_correct],
        };
        using (RunResult run = Run(graph, ToyPrompts.Random(1, 4, 4)))
            Assert.Equal([1, 2], run.Changed("Correct").Sweep[0].Coordinates.ToArray());
        Says("sweeps positions 0..-1, but the prompts have 3 to 4 tokens", () => Run(graph, ToyPrompts.Random(1, 4, 3)));
    }

    private Tensor Correct(params WriteNode[] writes)
    {
        using RunResult run = Run(new() { Name = "Point", Writes = [.. writes], Metrics = [s_correct] });
        return run.Changed("Correct").Values.clone();
    }

    private RunResult Run(InterventionGraph graph) => Run(graph, _prompts);

    private static WriteNode Zero(string site) => new("Zero", site, [], _ => zeros(1, dtype: float64));

    private SweptTensor Metric(string site, IPromptSet prompts)
    {
        _outputs.Add(Run(new() { Name = "Sweep", Writes = [Zero(site)], Metrics = [s_correct] }, prompts));
        return _outputs[^1].Changed("Correct");
    }

    private static Tensor Difference(ToyPrompts prompts, Tensor logits) => stack(prompts.Prompts.Select((prompt, row) =>
        logits[row, -1, prompt.Answers[0]] - logits[row, -1, prompt.Answers[1]]));

    private static int Mid(ToyPrompts prompts, int row, int run) => prompts.Prompts[row].Runs[run].Positions[0];
}
