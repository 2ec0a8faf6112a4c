using Interventions.Models.Decoder;
using Interventions.Runtime;

namespace Interventions.Circuits.Tests;

/// <summary>Work of several parts tells its progress as one.</summary>
public sealed class ProgressTests
{
    private static readonly ToyPrompts s_prompts = ToyPrompts.Random(5, 6, 4, 6);

    [Fact]
    public void Sweeps_of_knockouts_are_one_work() => RisesToItsEnd((model, progress) =>
        Knockouts.OfEach(model, s_prompts, Golden.LogitDifference, options: new() { Run = new() { Progress = progress } }));

    [Fact]
    public void Ways_of_activations_are_one_work() => RisesToItsEnd((model, progress) =>
        EdgeAttribution.OfActivations(model, s_prompts, Golden.LogitDifference, 2, options: new() { Run = new() { Progress = progress } }));

    [Fact]
    public void Parts_of_the_prompts_are_one_work() => RisesToItsEnd((model, progress) =>
        AttentionScores.OnText(model, s_prompts, options: new() { BatchSize = 1, Progress = progress }));

    private static void RisesToItsEnd(Action<DecoderModel, IProgress<RunProgress>> work)
    {
        using DecoderModel model = SmallDecoders.Model("gpt2");
        Seen seen = new();
        work(model, seen);
        Assert.True(seen.All.Count > 3);
        Assert.Single(seen.All.Select(progress => progress.Total).Distinct());
        Assert.All(seen.All.Zip(seen.All.Skip(1)), pair => Assert.True(pair.First.Done <= pair.Second.Done, $"{pair}"));
        Assert.Equal(seen.All[^1].Total, seen.All[^1].Done);
    }

    private sealed class Seen : IProgress<RunProgress>
    {
        public List<RunProgress> All { get; } = [];

        public void Report(RunProgress value) => All.Add(value);
    }
}
