using Interventions.Execution;
using Interventions.Graphs;
using TorchSharp;
using static TorchSharp.torch;
using Xunit;

namespace Interventions.Tests;

/// <summary>Whatever the plan leaves out or shares, the result is that of the naive run.</summary>
internal static class PlanOracle
{
    /// <summary>Runs random interventions both ways; most of them must make sense.</summary>
    public static void Check(HookedModel model, int cases, Func<int, RunOptions>? options = null)
    {
        List<string> wrong = [];
        int ran = 0;
        for (int seed = 0; seed < cases; seed++)
        {
            try
            {
                ran += Check(model, seed, options?.Invoke(seed)) ? 1 : 0;
            }
            catch (Exception failure)
            {
                wrong.Add(failure is Xunit.Sdk.XunitException ? failure.Message : $"seed {seed}: {failure}");
            }
        }
        Assert.True(wrong.Count == 0, $"{wrong.Count} of {cases} differ:\n{string.Join('\n', wrong.Take(5))}");
        Assert.True(ran > cases / 2, $"only {ran} of {cases} random interventions ran");
    }

    /// <summary>Runs a random intervention both ways; false if it is refused, both ways alike.</summary>
    private static bool Check(HookedModel model, int seed, RunOptions? options)
    {
        using DisposeScope scope = NewDisposeScope();
        RandomIntervention random = new(model.Schema, seed);
        IPromptSet prompts = random.Prompts(model.VocabularySize);
        InterventionGraph graph = random.Graph();
        options ??= new RunOptions();
        RunOutput naive;
        try
        {
            naive = InterventionRunner.Run(graph, model, prompts, options with { Naive = true });
        }
        catch (InterventionException refused)
        {
            // Naively all of a variant's keys are a head's own; where the plan has none of them, there is nothing to refuse.
            if (refused.Message.Contains("by the model's schema", StringComparison.Ordinal))
                return false;
            InterventionException planned = Assert.Throws<InterventionException>(() => InterventionRunner.Run(graph, model, prompts, options).Dispose());
            Assert.True(refused.Message == planned.Message, $"seed {seed}: refused as '{planned.Message}' instead of '{refused.Message}'");
            return false;
        }
        using (naive)
        using (RunOutput planned = InterventionRunner.Run(graph, model, prompts, options))
        {
            foreach (string name in graph.Captures.Select(node => node.Name).Concat(graph.Gradients.Select(node => node.Name)).Concat(graph.Metrics.Select(node => node.Name)))
            {
                Close(naive.Changed(name).Values, planned.Changed(name).Values, $"seed {seed}: {name} of {Describe(graph, prompts)}");
                foreach (string run in prompts.Vocabulary.Runs)
                    Close(naive.Run(run)[name], planned.Run(run)[name], $"seed {seed}: {name} of run {run} of {Describe(graph, prompts)}");
            }
        }
        return true;
    }

    private static string Describe(InterventionGraph graph, IPromptSet prompts) => string.Join(
        "; ",
        [
            $"changes {graph.Changes}",
            .. graph.Runs.Select(run => $"{run.Name} of {run.Of}"),
            .. graph.Writes.Select(write => $"{write.Run}: {write.Site} = {write.Kind} of {string.Join(",", write.Reads)}"),
            .. graph.Captures.Select(capture => $"{capture.Name} {capture.Site} before {capture.BeforeWrites}"),
            .. graph.Gradients.Select(gradient => $"{gradient.Name} {gradient.Site}"),
            .. graph.Metrics.Select(metric => $"metric of {string.Join(",", metric.Reads)}"),
            .. prompts.Prompts.Select(prompt => string.Join(" / ", prompt.Runs.Select(run => $"{string.Join(",", run.Ids)} at {string.Join(",", run.Positions)}"))),
        ]);

    private static void Close(Tensor expected, Tensor actual, string what)
    {
        Assert.True(expected.shape.SequenceEqual(actual.shape), $"{what}: [{string.Join(", ", actual.shape)}] instead of [{string.Join(", ", expected.shape)}]");
        if (expected.NumberOfElements == 0)
            return;
        // −∞ is −∞ on both sides.
        Tensor difference = expected.eq(actual).logical_not().to_type(expected.dtype) * (expected.nan_to_num() - actual.nan_to_num()).abs();
        double largest = difference.max().item<double>(), scale = Math.Max(1, expected.nan_to_num(posinf: 0, neginf: 0).abs().max().item<double>());
        Assert.True(largest <= 1e-9 * scale, $"{what}: differs by {largest:E2}");
    }
}
