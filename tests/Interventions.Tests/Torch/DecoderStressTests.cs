using Interventions.Models.Decoder;
using Interventions.Tests.Generation;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Torch;

/// <summary>Decoders, runs, streams, traces and generation, while another thread collects all the time.</summary>
public sealed class DecoderStressTests
{
    [Fact]
    public void Every_run_gives_its_numbers_and_leaks_nothing() => Check(TimeSpan.FromSeconds(25));

    [Fact, Trait("Duration", "long")]
    public void Every_run_gives_its_numbers_for_ten_minutes() => Check(TimeSpan.FromMinutes(10));

    private static void Check(TimeSpan time)
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel gpt2 = GenerationCases.Model("gpt2"), llama = GenerationCases.Model("llama");
        CollectionStress stress = new();
        foreach (DecoderModel model in new[] { gpt2, llama })
        {
            stress.AddRuns(model, 8, "blocks.*.resid_post", "logits");
            stress.AddGeneration(model, GenerationCases.RandomPrompts(1, 3, 5), "blocks.1.resid_post");
        }
        StressReport report = stress.Run(time);
        Assert.True(report is { Runs: > 50, Collections: > 1000 }, $"{report.Runs} runs, {report.Collections} collections");
        Assert.True(report.Failures.Count == 0, string.Join('\n', report.Failures.Take(5)));
        Assert.True(report.Tensors <= 0, $"{report.Tensors} tensors more than before");
    }
}
