using Interventions.Torch;
using static TorchSharp.torch;

namespace Interventions.Tests.Torch;

/// <summary>A user's own model, whose functions compute with numbers, while another thread collects all the time.</summary>
public sealed class CollectionStressTests
{
    [Fact]
    public void Every_run_gives_its_numbers_and_leaks_nothing() =>
        Assert.Equal("", Outcome(TimeSpan.FromSeconds(20), stopAtFailure: false));

    /// <summary>The trap: if this fails, TorchSharp keeps its numbers alive, and the guards can go.</summary>
    [Fact]
    public void Without_the_guards_some_run_fails()
    {
        PureCall.IsUnprotected = true;
        try
        {
            Assert.NotEqual("", Outcome(TimeSpan.FromMinutes(3), stopAtFailure: true));
        }
        finally
        {
            PureCall.IsUnprotected = false;
        }
    }

    private static string Outcome(TimeSpan time, bool stopAtFailure)
    {
        using var scope = NewDisposeScope();
        using ToyModel model = new();
        CollectionStress stress = new();
        stress.AddRuns(model, 12, "blocks.*.resid", "logits");
        StressReport report = stress.Run(time, stopAtFailure);
        Assert.True(
            stopAtFailure || report is { Runs: > 100, Collections: > 1000 }, $"{report.Runs} runs, {report.Collections} collections");
        return string.Join(
            '\n', report.Failures.Take(5)) + (report.Tensors > 0 && !stopAtFailure ? $"\n{report.Tensors} tensors more than before" : "");
    }
}
