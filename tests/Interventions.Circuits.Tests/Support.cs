using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits.Tests;

/// <summary>What tests of nodes share.</summary>
internal static class Support
{
    /// <summary>A logit at the end.</summary>
    public static readonly InterventionGraph Column = new()
    {
        Name = "Column",
        Metrics = [new("Column", [new Read.Logits("end")], x => x[0].select(1, 7))],
    };

    /// <summary>Changes, <c>[axes…, batch]</c>; 0 at places that a prompt lacks, as in the reference.</summary>
    public static Tensor Changes(NodeScores scores)
    {
        double[] flat = [.. Enumerable.Range(0, scores.Count).SelectMany(place =>
            Enumerable.Range(0, scores.PromptCount).Select(prompt => scores.OfPrompt(prompt)[place])).Select(x => double.IsNaN(x) ? 0 : x)];
        return tensor(flat).view([.. scores.Axes.Select(axis => (long)axis.Labels.Length), scores.PromptCount]);
    }

    /// <summary>Equal numbers of every place and prompt.</summary>
    public static void Same(NodeScores expected, NodeScores actual, double tolerance = 1e-9)
    {
        using DisposeScope scope = NewDisposeScope();
        Golden.Close(Changes(actual), Changes(expected), actual.Title, tolerance);
    }

    /// <summary>The same prompts, whose other run is their first one.</summary>
    public static ToyPrompts Equal(ToyPrompts prompts) =>
        new([.. prompts.Prompts.Select(prompt => new PromptTokens([prompt.Runs[0], prompt.Runs[0]], prompt.Answers))]);
}
