using System.Globalization;
using Interventions.Models;
using Interventions.Models.Decoder;
using Interventions.Runtime;

namespace Interventions.Tests.Planning;

public sealed class ExplainTests
{
    private static readonly MetricNode s_metric = new(
        "Metric", [new Read.Logit("correct", "end"), new Read.Logit("wrong", "end")], x => x[0] - x[1]);

    [Fact]
    public void A_sweep_at_the_end_is_explained()
    {
        using DecoderModel model = DecoderModel.Random(SmallDecoders.Gpt2Config);
        InterventionGraph graph = new()
        {
            Name = "Sweep",
            Writes = [BuiltInWrites.Freeze("blocks.{layer}.attn.z[head={head}; pos=end]", "corrupted"), new(
                "Wide", "blocks.2.mlp_out", [new Read.Value()], x => x[0] * 2)],
            Metrics = [s_metric],
        };
        string text = InterventionRunner.Explain(graph, model, Prompts());
        Assert.All(text.Split('\n'), line => Assert.True(line.Length <= 80, line));
        Snapshot.Verify(text);
    }

    /// <summary>The columns' sums by hand: one layer, one variant at the end.</summary>
    [Fact]
    public void Operations_are_counted()
    {
        using DecoderModel model = DecoderModel.Random(SmallDecoders.Gpt2Config with { Layers = 1 });
        InterventionGraph graph = new() { Name = "One", Writes = [BuiltInWrites.Zero("blocks.0.mlp_out[pos=end]")], Metrics = [s_metric] };
        // Two runs and the changed one, of one prompt of five tokens; products of qkv, attention, out, two of the feed-forward block, and
        // logits.
        double perToken = (2 * 32 * 96) + (4 * 32 * 5) + (2 * 32 * 32) + (2 * 2 * 32 * 128) + (2 * 32 * 61);
        string all = InterventionRunner.Explain(graph, model, Prompts(1)).Split('\n').Single(
            line => line.StartsWith("all", StringComparison.Ordinal));
        Assert.Equal(
            (3 * 5 * perToken / 1e6).ToString("0.0000", CultureInfo.InvariantCulture),
            all.Split(' ', StringSplitOptions.RemoveEmptyEntries)[4]);
    }

    [Fact]
    public void Neighbouring_layers_with_equal_work_are_one_line()
    {
        using DecoderModel model = DecoderModel.Random(SmallDecoders.Gpt2Config with { Layers = 4 });
        InterventionGraph graph = new() { Name = "Last", Writes = [BuiltInWrites.Zero("blocks.3.mlp_out[pos=end]")], Metrics = [s_metric] };
        string[] lines = InterventionRunner.Explain(graph, model, Prompts(1)).Split('\n');
        // In layer 0 the runs share more: a token that both have has the same embedding.
        Assert.Equal(["other", "0", "1..2", "3", "logits", "all"], lines[3..9].Select(line => line.Split(' ')[0]));
        Assert.Equal("Layers in one line are equal: the numbers are those of each of them.", lines[9]);
        int Rows(int line) => int.Parse(lines[line].Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
        Assert.Equal(Rows(8), Rows(3) + Rows(4) + (2 * Rows(5)) + Rows(6) + Rows(7));
    }

    /// <summary>Points of a sweep multiply what one run keeps: said before, as the most that it can be, and after, as what it is.</summary>
    [Fact]
    public void A_large_capture_is_said_with_its_size_and_what_to_do()
    {
        using DecoderModel model = DecoderModel.Random(SmallDecoders.Gpt2Config);
        Intervention sweep = Intervention.On(model).Zero("blocks.{layer}.attn.z[head={head}; pos=end]");
        Intervention whole = sweep.Capture("Whole", "blocks.*.resid_post");
        Intervention reduced = sweep.Capture("Norm", "blocks.*.resid_post", x => x.norm(-1));
        (int layers, int points) = (model.Config.Layers, model.Config.Layers * model.Config.Heads);
        long bytes = 4L * layers * 2 * 5 * model.Config.DModel * (points + 2);
        RunOptions tight = new() { MemoryBudget = bytes - 1 }, enough = new() { MemoryBudget = bytes };
        string said = string.Create(
            CultureInfo.InvariantCulture, $"{bytes / 1048576.0:0.0} MiB, 2 prompts at {points} points of the sweep: select fewer layers, ");
        Assert.Contains($"Whole keeps up to {said}", Line(whole.Explain(Prompts(), tight)));
        Assert.Contains("Norm keeps up to ", Line(reduced.Explain(Prompts(), tight)));
        Assert.DoesNotContain("keeps", whole.Explain(Prompts(), enough));
        Assert.All(whole.Explain(Prompts(), tight).Split('\n'), line => Assert.True(line.Length <= 80, line));

        using RunResult large = whole.Run(Prompts(), tight), small = whole.Run(Prompts(), enough), norms = reduced.Run(Prompts(), tight);
        Assert.Contains($"Whole keeps {said}", Assert.Single(large.Warnings));
        Assert.Contains("RunTo into a file, StreamAsync", large.Warnings[0]);
        Assert.Empty(small.Warnings);
        Assert.Empty(norms.Warnings); // a method that keeps little is not large

        static string Line(string text) => text.Replace("\n  ", " ");
    }

    private static PromptPairs Prompts(int count = 2) => PromptPairs.FromTokens(
        [.. Enumerable.Range(0, count).Select(i => new PromptTokens([new([1, 2, 3, 4 + i, 5], [4]), new([1, 2, 9, 4, 5], [4])], [6, 7]))]);
}
