using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Execution;

/// <summary>Sweeps over strengths, runs and named positions, against one declaration a point.</summary>
public sealed class SweepExecutionTests : IDisposable
{
    private static readonly MetricNode s_correct = new("Correct", [new Read.Logit("correct", "end")], x => x[0]);

    private readonly ToyModel _model = new();
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly ToyPrompts _prompts = ToyPrompts.Random(21, 4, 3, 4);

    public void Dispose()
    {
        _scope.Dispose();
        _model.Dispose();
    }

    [Fact]
    public void Strengths_and_factors_are_swept()
    {
        Tensor direction = arange(1, ToyModel.Width + 1, dtype: float64);
        using RunOutput run = Run(new()
        {
            Name = "Strengths",
            Sweeps = [SweepAxis.OfNumbers("alpha", -1, 0, 2.5), SweepAxis.OfNumbers("factor", 1, 0.5)],
            Writes = [BuiltInWrites.Scale("blocks.{layer}.out", "{factor}"), BuiltInWrites.Add("Direction", "blocks.0.resid", direction, "{alpha}")],
            Metrics = [s_correct, new("Times", [new Read.Logit("correct", "end"), new Read.Swept("alpha")], x => x[0] * x[1].item<double>())],
        });
        SweptTensor correct = run.Changed("Correct"), times = run.Changed("Times");
        Assert.Equal(["layer", "factor", "alpha"], correct.Axes.Select(axis => axis.Name));
        Assert.Equal([2L, 2, 3, 3], correct.Values.shape);
        foreach (int layer in new[] { 0, 1 })
        {
            foreach (double factor in new[] { 1, 0.5 })
            {
                foreach (double alpha in new[] { -1, 0, 2.5 })
                {
                    Tensor expected = Correct(BuiltInWrites.Scale($"blocks.{layer}.out", factor), BuiltInWrites.Add("Direction", "blocks.0.resid", direction, alpha));
                    Close(expected, correct.At(layer, factor, alpha));
                    Close(expected * alpha, times.At(layer, factor, alpha));
                }
            }
        }
        Close(run.Run("clean")["Correct"] * -1, run.Run("clean")["Times"][0, 0, 0]);
        Assert.Contains("layer=0 factor=0.5 alpha=2.5: ", correct.Points()[5].ToString());
        Assert.Equal(2.5, correct.Points()[5].Coordinate("alpha").Number);
        Assert.Equal(0, correct.Points()[5]["layer"]);
        Assert.Contains("ask for Coordinate(\"factor\")", Assert.Throws<InvalidOperationException>(() => correct.Points()[5]["factor"]).Message);
        Assert.Contains("factor 2, only through 1, 0.5", Assert.Throws<ArgumentOutOfRangeException>(() => correct.At(0, 2, 0)).Message);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Runs_are_swept(bool listed)
    {
        using RunOutput run = Run(new()
        {
            Name = "Runs",
            Sweeps = listed ? [SweepAxis.OfRuns("donor", "corrupted", "clean")] : [],
            Writes = [BuiltInWrites.Freeze("blocks.0.z", "{donor}")],
            Metrics = [s_correct],
            Captures = [new("Gap", "blocks.0.z", [new Read.Value(), new Read.From("{donor}")], x => (x[0] - x[1]).flatten(1).abs().sum(1))],
        });
        SweptTensor correct = run.Changed("Correct");
        Assert.Equal(listed ? ["corrupted", "clean"] : ["clean", "corrupted"], correct.Axes[0].Coordinates.ToArray());
        foreach (string donor in new[] { "clean", "corrupted" })
        {
            Close(Correct(BuiltInWrites.Freeze("blocks.0.z", donor)), correct.At(donor));
            Close(zeros(3, dtype: float64), run.Changed("Gap").At(donor));
        }
        Assert.Equal("donor=corrupted", correct.Points().Single(point => point.Coordinate("donor").Name == "corrupted").ToString().Split(':')[0]);
        // An unchanged run is compared with every donor: with itself there is no difference.
        Tensor gaps = run.Run("corrupted")["Gap"];
        Close(zeros(3, dtype: float64), gaps[listed ? 0 : 1]);
        Assert.True(gaps[listed ? 1 : 0].min().item<double>() > 1e-6);
    }

    [Fact]
    public void Partners_and_means_of_swept_runs()
    {
        using RunOutput run = Run(new()
        {
            Name = "References",
            Writes = [BuiltInWrites.Mean("embed[pos=end]", "{run}", pooled: false), BuiltInWrites.Resample("embed[pos=0]", "{run}", seed: 1)],
            Metrics = [s_correct],
        });
        foreach (string donor in new[] { "clean", "corrupted" })
            Close(Correct(BuiltInWrites.Mean("embed[pos=end]", donor, pooled: false), BuiltInWrites.Resample("embed[pos=0]", donor, seed: 1)), run.Changed("Correct").At(donor));
    }

    [Fact]
    public void Named_positions_keep_their_names()
    {
        using RunOutput run = Run(new() { Name = "Names", Writes = [BuiltInWrites.Zero("embed[pos={p=mid,end-1,0}]")], Metrics = [s_correct] });
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
        Says("is a layer in a site path", [SweepAxis.OfNumbers("a", 1)], BuiltInWrites.Zero("blocks.{a}.out"));
        Says("swept twice", [SweepAxis.OfNumbers("a", 1), SweepAxis.OfNumbers("a", 2)], scale);
        Says("a value twice", [SweepAxis.OfNumbers("a", 1, 1)], scale);
        Says("no values", [SweepAxis.OfNumbers("a")], scale);
        Says("no run 'cleam'; did you mean 'clean'?", [SweepAxis.OfRuns("a", "cleam")], freeze);
        Says("goes through numbers and runs", [new SweepAxis("a", [1, "clean"])], freeze);
        Says("no write uses it", [SweepAxis.OfNumbers("b", 1)], BuiltInWrites.Zero("embed"));

        void Says(string text, SweepAxis[] sweeps, params WriteNode[] writes) => Assert.Contains(
            text, Assert.Throws<InterventionException>(() => Run(new() { Name = "Wrong", Sweeps = [.. sweeps], Writes = [.. writes], Metrics = [s_correct] })).Message);
    }

    private Tensor Correct(params WriteNode[] writes)
    {
        using RunOutput run = Run(new() { Name = "Point", Writes = [.. writes], Metrics = [s_correct] });
        return run.Changed("Correct").Values.clone();
    }

    private RunOutput Run(InterventionGraph graph) => InterventionRunner.Run(graph, _model, _prompts);

    private static void Close(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        Assert.InRange((expected - actual).abs().max().item<double>(), 0, 1e-9);
    }
}
