using Interventions.Binding;
using Interventions.Models.Decoder;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features.Tests.Steered;

/// <summary>Sweeps against single runs, and losses against plain forwards.</summary>
public sealed class SteeringSweepTests : IDisposable
{
    private const double Tolerance = 1e-9;

    private static readonly long[][] s_texts =
        [[1, 5, 9, 4, 2, 30, 31, 7, 3, 12], [1, 8, 3, 3, 30, 2, 9, 40, 41, 42], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]];

    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly DecoderModel _model = SmallDecoders.Model("gpt2");
    private readonly Generator _generator = new(23);
    private readonly TokenPrompts _prompts = new([[1, 5, 9], [1, 8, 3, 4], [1, 40]]), _long = new(s_texts);

    public void Dispose()
    {
        _generator.Dispose();
        _model.Dispose();
        _scope.Dispose();
    }

    [Theory]
    [InlineData(null, 10, 1)]
    [InlineData("!=0", 10, 2)]
    [InlineData("3..", 10, 4)]
    [InlineData("4..6", 10, 8)]
    [InlineData("6,4,5", 10, 8)]
    [InlineData("0", 10, 2)]
    [InlineData("-4..-3", 10, 9)]
    [InlineData("end", 10, 10)]
    [InlineData("end-3,new", 10, 8)]
    [InlineData("prompt", 10, 1)]
    public void The_first_target_lies_behind_what_steered_positions_predict(string? at, int length, int first) =>
        Assert.Equal(first, SteeredPositions.FirstTarget(at, length));

    [Theory]
    [InlineData("subject", "'subject' is a position of prompts")]
    [InlineData("12", "'12' is no position of a text of 10 tokens")]
    [InlineData("4..x", "is no selection of positions")]
    public void What_is_no_position_of_a_text_is_refused(string at, string message) => Assert.Contains(
        message, Assert.Throws<InterventionException>(() => SteeredPositions.FirstTarget(at, 10)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    public void A_loss_is_that_of_a_plain_forward_over_the_same_targets(int first)
    {
        using SteeringVector vector = Vector(1);
        TextLoss loss = TextLoss.Of((Steering.With(vector) with { At = "4..6" }).On(_model, [0, 2.5]), _long, first);
        double[] plain = [.. s_texts.Select(ids => Plain(ids, first, 0))], steered = [.. s_texts.Select(ids => Plain(ids, first, 2.5))];
        int[] counts = [.. s_texts.Select(ids => ids.Length - first)];
        Assert.Equal(counts.Sum(), loss.Targets);
        for (int text = 0; text < s_texts.Length; text++)
        {
            Assert.Equal(plain[text], loss.UnchangedOfTexts[text], Tolerance);
            Assert.Equal(plain[text], loss.OfTexts(0)[text], Tolerance);
            Assert.Equal(steered[text], loss.OfTexts(1)[text], Tolerance);
        }
        Assert.Equal(loss.Unchanged, loss.Changed[0], Tolerance);
        Assert.Equal(steered.Zip(counts, (one, count) => one * count).Sum() / counts.Sum(), loss.Changed[1], Tolerance);
        Assert.StartsWith($"3 texts, {counts.Sum()} tokens scored, from {first} on\n", loss.ToString(), StringComparison.Ordinal);

        double Plain(long[] ids, int first, double c)
        {
            Tensor logits = SmallDecoders.Read(_model, tensor(ids).unsqueeze(0), "logits", (vector.Site, x =>
            {
                Tensor changed = x.clone();
                changed.narrow(1, 4, 3).add_(vector.Value * c);
                return changed;
            }
            ));
            Tensor log = logits[0].log_softmax(-1);
            return Enumerable.Range(first, ids.Length - first).Average(t => -log[t - 1, ids[t]].item<double>());
        }
    }

    [Fact]
    public void A_text_without_a_target_is_refused() => Assert.Contains(
        "Text 0 of the prompts has 10 tokens, and token 11 is the first that is scored", Assert.Throws<ArgumentException>(
            () => TextLoss.Of(Intervention.On(_model), _long, 11)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData(SteeringRule.Add, null)]
    [InlineData(SteeringRule.Add, "end,new")]
    [InlineData(SteeringRule.AddKeepingNorm, "!=0")]
    [InlineData(SteeringRule.SetProjection, null)]
    [InlineData(SteeringRule.Remove, "end,new")]
    public void A_sweep_over_layers_and_strengths_is_each_of_them_alone(SteeringRule rule, string? at)
    {
        SteeringVector[] vectors = [Vector(0), Vector(1), Vector(2)];
        double[] strengths = [-1, 0.5, 3];
        SteeringOptions options = new()
        {
            Generation = new() { MaxNewTokens = 6, Temperature = 1, Continuations = 2, Seed = 4 },
            TextAt = at == "end,new" ? "3.." : null,
        };
        SteeringSweep sweep = Sweep(Steering.EachLayer(vectors) with { Rule = rule, At = at }, strengths, options);
        Assert.Equal(9, sweep.Points.Length);
        foreach (SteeringPoint point in sweep.Points)
        {
            Steering alone = Steering.With(vectors[point.Layer!.Value]) with { Rule = rule, At = at };
            SteeringSweep one = Sweep(alone, [point.Strength], options);
            Assert.Equal(one.Points[0].Loss, point.Loss, Tolerance);
            Assert.Equal(one.Points[0].Success, point.Success);
            Assert.Equal(one.Points[0].Layer, point.Layer);
            Assert.Equal(
                one.Rollouts(one.Points[0]).Select(text => text.Tokens), sweep.Rollouts(point).Select(text => text.Tokens));
            Assert.Equal(one.Unchanged.Success, sweep.Unchanged.Success);
            Assert.Equal(one.Unchanged.Loss, sweep.Unchanged.Loss, Tolerance);
            Assert.Equal(
                rule is SteeringRule.Add or SteeringRule.AddKeepingNorm
                    ? Math.Abs(point.Strength) * vectors[point.Layer.Value].Norm : null, point.Norm);
        }
        foreach (SteeringVector vector in vectors)
            vector.Dispose();
    }

    [Fact]
    public void Vectors_together_are_all_added_at_once()
    {
        using SteeringVector first = Vector(0), last = Vector(2);
        Steering both = Steering.Together("both", first, last);
        using RunResult run = both.On(_model, 2).Capture("Logits", "logits").Run(_prompts);
        using RunResult swept = both.On(_model, [1, 2]).Capture("Logits", "logits").Run(_prompts);
        using RunResult plain = Intervention.On(_model).Add(first.Site, first.Value, 2).Add(last.Site, last.Value, 2)
            .Capture("Logits", "logits").Run(_prompts, new() { Naive = true });
        Near(plain["Logits"], run["Logits"]);
        Near(plain["Logits"], swept["Logits"][("strength", 2)]);
        Assert.Equal(2 * Math.Sqrt((first.Norm * first.Norm) + (last.Norm * last.Norm)), both.NormOf(2)!.Value, Tolerance);
    }

    [Fact]
    public void Cached_and_uncached_rollouts_agree()
    {
        using SteeringVector vector = Vector(1);
        Intervention steered = (Steering.With(vector) with { At = "!=0" }).On(_model, [0, 4]);
        GenerationOptions options = new() { MaxNewTokens = 8, Temperature = 1, TopP = 0.9, FrequencyPenalty = 1, Seed = 2 };
        using GenerationResult<GeneratedRun> cached = steered.Generate(_prompts, options);
        using GenerationResult<GeneratedRun> whole = steered.Generate(_prompts, options with { UseCache = false });
        Assert.Null(cached.WhyUncached);
        foreach (double c in new[] { 0.0, 4 })
            Assert.Equal(whole.Changed(c).Tokens, cached.Changed(c).Tokens);
        Assert.NotEqual(cached.Changed(0).Tokens, cached.Changed(4).Tokens);
    }

    [Fact]
    public void A_penalty_takes_from_the_logit_of_what_was_there()
    {
        // Greedy with a penalty, against a loop of plain forwards.
        const double Penalty = 0.7;
        long[] prompt = [1, 5, 9, 5];
        List<long> expected = [.. prompt];
        for (int step = 0; step < 9; step++)
        {
            Tensor logits = _model.Forward(tensor(expected.ToArray()).unsqueeze(0))[0, -1].clone();
            foreach (long token in expected)
                logits[token] -= Penalty;
            expected.Add(logits.argmax().item<long>());
        }
        GeneratedRun run = _model.Generate([prompt], new() { MaxNewTokens = 9, FrequencyPenalty = Penalty });
        Assert.Equal(expected[4..], run.Tokens[0]);
        Assert.NotEqual(run.Tokens[0], _model.Generate([prompt], new GenerationOptions { MaxNewTokens = 9 }).Tokens[0]);
        // A large one allows each token once.
        GeneratedRun once = _model.Generate([prompt], new() { MaxNewTokens = 12, FrequencyPenalty = 1e6, Temperature = 2, Seed = 1 });
        Assert.Equal(15, once.Tokens[0].Concat(prompt).Distinct().Count());
    }

    [Fact]
    public void Steering_that_does_not_fit_is_refused()
    {
        using SteeringVector vector = Vector(1), rows = new("blocks.1.resid_post", Random(3, 32));
        Assert.Contains(
            "one layer after the other", Assert.Throws<InterventionException>(() => Steering.EachLayer(vector).On(_model, 1)).Message,
            StringComparison.Ordinal);
        Assert.Contains(
            "one vector of each layer", Assert.Throws<ArgumentException>(() => Steering.EachLayer(vector, rows)).Message,
            StringComparison.Ordinal);
        Assert.Contains(
            "is along one direction", Assert.Throws<InterventionException>(
                () => (Steering.With(rows) with { Rule = SteeringRule.Remove }).On(_model, 1)).Message, StringComparison.Ordinal);
        Assert.Contains(
            "can be scored: give longer texts, or say SteeringOptions.TextAt", Assert.Throws<ArgumentException>(
                () => Sweep(Steering.With(vector) with { At = "end,new" }, [1])).Message, StringComparison.Ordinal);
        Assert.Contains(
            "4 is the first token that can be scored", Assert.Throws<ArgumentException>(
                () => Sweep(Steering.With(rows), [1], new() { FirstTarget = 3, Generation = new() { MaxNewTokens = 2 } })).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Results_are_printed_saved_and_chosen_from()
    {
        SteeringVector[] vectors = [Vector(0), Vector(2)];
        SteeringSweep sweep = Sweep(Steering.EachLayer(vectors), [0.5, 1, 8]);
        SteeringPoint[] cheap = [.. sweep.Points.Where(point => point.Loss <= sweep.Unchanged.Loss + 1)];
        if (sweep.Best(1) is { } best)
            Assert.All(cheap, point => Assert.True(point.Success.Rate <= best.Success.Rate));
        else
            Assert.Empty(cheap);
        Assert.Null(sweep.Best(-100));
        Assert.Equal(2, sweep.Points.Count(point => point.IsReference && point.Strength == 1));
        ParetoFront front = ParetoFront.Of(sweep, sweep);
        Assert.Equal([sweep.Unchanged, .. sweep.Points, .. sweep.Points], front.Points.AsEnumerable());
        Assert.All(front.NonDominated, point => Assert.True(
            point == sweep.Unchanged || point.Loss < sweep.Unchanged.Loss || point.Success.Rate > sweep.Unchanged.Success.Rate));
        string[] lines = sweep.ToString().Split('\n');
        Assert.Equal(2 + 1 + 6, lines.Length - 1);
        Assert.All(lines, line => Assert.InRange(line.Length, 0, 80));
        Assert.StartsWith("3 rollouts, 29 tokens scored, from 1 on", lines[0], StringComparison.Ordinal);
        using TemporaryFolder folder = new();
        sweep.SaveCsv(folder["sweep.csv"]);
        string[] rows = File.ReadAllLines(folder["sweep.csv"]);
        Assert.Equal("method,layer,strength,norm,loss,hits,rollouts,success,low,high,reference", rows[0]);
        Assert.Equal(1 + 1 + 6, rows.Length);
        foreach (SteeringVector vector in vectors)
            vector.Dispose();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_stopped_sweep_goes_on_and_ends_the_same(bool ofLayers)
    {
        using TemporaryFolder folder = new();
        SteeringVector[] vectors = [Vector(0), Vector(2)];
        Steering steering = ofLayers ? Steering.EachLayer(vectors) : Steering.Together("both", vectors);
        SteeringOptions options = new()
        {
            Generation = new() { MaxNewTokens = 4, Temperature = 1, Continuations = 2, StopTokens = [7] },
            Path = folder["sweep.json"],
        };
        SteeringSweep whole = Sweep(steering, [1, 3], options with { Path = null });
        using CancellationTokenSource stop = new();
        int runs = 0;
        SteeringOptions stopped = options with
        {
            Run = new()
            {
                Progress = new Reported(now =>
                {
                    if (now.Done == now.Total && ++runs == 3) // two lengths of texts in the first part, one in the second
                        stop.Cancel();
                }),
            },
        };
        Assert.Throws<OperationCanceledException>(() => SteeringSweep.Of(
            _model, steering, [1, 3], _prompts, _long, IsSuccess, stopped, stop.Token));
        int half = File.ReadAllText(options.Path!).Split("\"strength\"").Length - 1;
        Assert.Equal(1 + (ofLayers ? 2 : 1), half);
        SteeringSweep resumed = Sweep(steering, [1, 3], options);
        Assert.Equal(whole.Points.Select(point => point with { Loss = 0 }), resumed.Points.Select(point => point with { Loss = 0 }));
        foreach ((SteeringPoint one, SteeringPoint other) in whole.Points.Zip(resumed.Points))
        {
            Assert.Equal(one.Loss, other.Loss, Tolerance);
            Assert.Equal(whole.Rollouts(one).Select(text => text.Tokens), resumed.Rollouts(other).Select(text => text.Tokens));
            Assert.Equal(whole.Rollouts(one).Select(text => text.StoppedBy), resumed.Rollouts(other).Select(text => text.StoppedBy));
        }
        Assert.Equal(resumed.ToString(), Sweep(steering, [1, 3], options).ToString());
        Assert.Contains(
            "it was begun with another model", Assert.Throws<InterventionException>(() => Sweep(steering, [1, 2], options)).Message,
            StringComparison.Ordinal);
        File.WriteAllText(options.Path!, "{");
        Assert.Contains(
            "is no sweep to go on with", Assert.Throws<InterventionException>(() => Sweep(steering, [1, 3], options)).Message,
            StringComparison.Ordinal);
        foreach (SteeringVector vector in vectors)
            vector.Dispose();
    }

    [Fact]
    public void Nothing_leaks()
    {
        using SteeringVector vector = Vector(1);
        Sweep(Steering.With(vector), [1, 2]);
        long before = LiveTensors.Count();
        using (NewDisposeScope())
            Sweep(Steering.With(vector), [1, 2]);
        Assert.Equal(before, LiveTensors.Count());
    }

    private sealed class Reported(Action<RunProgress> report) : IProgress<RunProgress>
    {
        public void Report(RunProgress value) => report(value);
    }

    private SteeringSweep Sweep(Steering steering, double[] strengths, SteeringOptions? options = null) => SteeringSweep.Of(
        _model, steering, strengths, _prompts, _long, IsSuccess, options ?? new() { Generation = new() { MaxNewTokens = 4 } });

    private static bool IsSuccess(GeneratedText rollout) => rollout.Tokens.Any(token => token < 20);

    private SteeringVector Vector(int layer) => new($"blocks.{layer}.resid_post", Random(32), "random");

    private Tensor Random(params long[] shape) => randn(shape, ScalarType.Float64, generator: _generator);

    private static void Near(Tensor expected, Tensor ours)
    {
        Assert.Equal(expected.shape, ours.shape);
        Assert.InRange((expected - ours).abs().max().item<double>(), 0, Tolerance);
    }
}
