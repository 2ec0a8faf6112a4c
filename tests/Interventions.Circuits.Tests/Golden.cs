using System.Text.Json;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits.Tests;

/// <summary>Comparisons with golden values.</summary>
internal static class Golden
{
    /// <summary>Relative to the largest value, absolute where that is below 1; the reference's own tolerance is 1e-8.</summary>
    public const double Tolerance = 1e-9;

    /// <summary>LD of the reference.</summary>
    public static InterventionGraph LogitDifference { get; } = new() { Name = "LD", Metrics = [CircuitCase.LogitDifference] };

    /// <summary>KL from the clean run.</summary>
    public static InterventionGraph KullbackLeibler { get; } = new()
    {
        Name = "KL",
        Metrics =
        [
            new("KL", [new Runtime.Read.Logits("end"), new Runtime.Read.Logits("end", "clean")], x => Metrics.KullbackLeibler(x[0], x[1])),
        ],
    };

    /// <summary>What stands for a value, by the reference's name of its kind.</summary>
    public static CircuitOptions Options(CircuitCase circuit, string kind) => kind switch
    {
        "zero" => new() { Ablation = Ablation.Zero },
        "mean_template" => new() { Ablation = Ablation.Mean, Over = circuit.Reference },
        "mean_position" => new() { Ablation = Ablation.Mean, Over = circuit.Reference, AcrossTemplates = true },
        "mean_pooled" => new() { Ablation = Ablation.Mean, Over = circuit.Reference, Pooled = true },
        "resample" => new(),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
    };

    /// <summary>The texts of a list.</summary>
    public static string[] Texts(JsonElement json) => [.. json.EnumerateArray().Select(text => text.GetString()!)];

    /// <summary>Scores of every prompt, and their means.</summary>
    public static void Agree(CircuitCase circuit, string stored, EdgeScores scores)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor prompts = stack(Enumerable.Range(0, scores.PromptCount).Select(i => tensor(scores.OfPrompt(i).ToArray())), 1);
        Close(prompts, circuit["edge_scores", $"{stored}.per_example"], stored);
        Close(tensor(scores.Means.ToArray()), circuit["edge_scores", $"{stored}.mean"], $"{stored}, mean");
    }

    /// <summary>Two tensors, relative to the largest value, absolute where that is below 1.</summary>
    public static void Close(Tensor actual, Tensor expected, string what, double tolerance = Tolerance)
    {
        Assert.True(
            actual.shape.SequenceEqual(expected.shape),
            $"{what}: [{string.Join(", ", actual.shape)}] instead of [{string.Join(", ", expected.shape)}]");
        double worst = Distance.Largest(actual, expected), largest = Math.Max(1, expected.abs().max().item<double>());
        Assert.True(worst <= tolerance * largest, $"{what}: differs by {worst}, and the largest value is {largest}");
    }
}
