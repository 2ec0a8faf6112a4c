using Interventions.ModelGraphs;
using Interventions.Runtime;
using Interventions.Testing.RandomDeclarations;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Testing.Oracles;

/// <summary>Whatever the plan leaves out or shares, the result is that of the naive run.</summary>
public static class PlanOracle
{
    /// <summary>Runs random interventions both ways; most of them must make sense.</summary>
    /// <param name="model">The model.</param>
    /// <param name="meta">The same on the meta device, where every plan is run too.</param>
    /// <param name="cases">How many.</param>
    /// <param name="options">How they run, by seed.</param>
    public static void Check(HookedModel model, HookedModel meta, int cases, Func<int, RunOptions>? options = null)
    {
        List<string> wrong = [];
        int ran = 0;
        for (int seed = 0; seed < cases; seed++)
        {
            try
            {
                ran += CheckOne(model, meta, seed, options?.Invoke(seed)) ? 1 : 0;
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
    public static bool CheckOne(HookedModel model, HookedModel meta, int seed, RunOptions? options = null)
    {
        using DisposeScope scope = NewDisposeScope();
        RandomIntervention random = new(model.Schema, seed);
        IPromptSet prompts = random.Prompts(model.VocabularySize);
        InterventionGraph graph = random.Graph();
        IReadOnlyList<string>? kept = random.KeptRuns();
        // A prompt alone has no padding, and shares nothing.
        RunOptions naively = (options is null ? new RunOptions() : options with { BatchSize = 1 }) with { Naive = true, KeptRuns = kept };
        options = (options ?? new RunOptions()) with { KeptRuns = kept };
        RunResult naive;
        try
        {
            naive = InterventionRunner.Run(graph, model, prompts, naively);
        }
        catch (InterventionException refused)
        {
            // Naively all of a variant's keys are a head's own; where the plan has none of them, there is nothing to refuse.
            if (refused.Message.Contains("by the model's schema", StringComparison.Ordinal))
                return false;
            InterventionException planned = Assert.Throws<InterventionException>(
                () => InterventionRunner.Run(graph, model, prompts, options).Dispose());
            Assert.True(refused.Message == planned.Message, $"seed {seed}: refused as '{planned.Message}' instead of '{refused.Message}'");
            return false;
        }
        using (naive)
        using (RunResult planned = InterventionRunner.Run(graph, model, prompts, options))
        using (RunResult shapes = OnMeta(meta, seed, options))
        {
            foreach (string name in graph.Captures.Select(node => node.Name)
                .Concat(graph.Gradients.Select(node => node.Name)).Concat(graph.Metrics.Select(node => node.Name)))
            {
                Close(naive.Changed(name).Values, planned.Changed(name).Values, $"seed {seed}: {name} of {Describe(graph, prompts)}");
                foreach (string run in kept ?? [.. prompts.Vocabulary.Runs])
                    Close(naive.Run(run)[name], planned.Run(run)[name], $"seed {seed}: {name} of run {run} of {Describe(graph, prompts)}");
            }
            SameEffects(graph, naive, planned, $"seed {seed}: of {Describe(graph, prompts)}");
            MetaDevice.IsLike(planned, shapes, graph, prompts, $"seed {seed}: {Describe(graph, prompts)}");
        }
        return true;
    }

    /// <summary>
    /// Runs random interventions strictly both ways: the same is refused, and what is not has the same effects, all of which are compared.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="cases">How many.</param>
    /// <param name="rounding">How many may be refused on one side alone because equal values of two runs differ by rounding.</param>
    public static void CheckStrict(HookedModel model, int cases, int? rounding = null)
    {
        int ran = 0, rounded = 0;
        for (int seed = 0; seed < cases; seed++)
        {
            using DisposeScope scope = NewDisposeScope();
            RandomIntervention random = new(model.Schema, seed);
            IPromptSet prompts = random.Prompts(model.VocabularySize);
            InterventionGraph graph = random.Graph();
            string what = $"strict seed {seed}: {Describe(graph, prompts)}";
            (RunResult? naive, string? expected) = Run(naive: true);
            (RunResult? planned, string? actual) = Run(naive: false);
            using (naive)
            using (planned)
            {
                // Naively everything is computed, and so everything is read.
                if (actual?.Contains("is never read", StringComparison.Ordinal) == true
                    || actual?.Contains("reaches nothing that is kept at", StringComparison.Ordinal) == true)
                    continue;
                // Equal values of two runs may differ by rounding in one of them.
                if (expected != actual && $"{expected}{actual}".Contains("changed nothing", StringComparison.Ordinal)
                    && ++rounded < (rounding ?? cases / 20))
                    continue;
                // Which of several uses of shared keys is named first depends on which is computed first.
                const string shared = "by the model's schema";
                if (expected?.Contains(shared, StringComparison.Ordinal) == true
                    && actual?.Contains(shared, StringComparison.Ordinal) == true)
                    continue;
                Assert.True(expected == actual, $"'{actual}' instead of '{expected}': {what}");
                if (naive is null || planned is null)
                    continue;
                ran++;
                SameEffects(graph, naive, planned, what);
                Assert.All(planned.Effects.Zip(graph.Writes), pair => Assert.True(
                    pair.Second.Kind is WriteKind.Freeze || pair.First.Compared == pair.First.Written, what));
            }

            (RunResult?, string?) Run(bool naive)
            {
                try
                {
                    return (InterventionRunner.Run(graph, model, prompts, new RunOptions { Naive = naive, Strict = true }), null);
                }
                catch (InterventionException refused)
                {
                    return (null, refused.Message);
                }
            }
        }
        Assert.True(ran > cases / 4, $"only {ran} of {cases} random interventions ran");
    }

    /// <summary>What a plan does not compute it does not compare; of the rest it says what the naive run says.</summary>
    private static void SameEffects(InterventionGraph graph, RunResult naive, RunResult planned, string what)
    {
        Assert.Equal(graph.Writes.Length, naive.Effects.Length);
        Assert.Equal(graph.Writes.Length, planned.Effects.Length);
        // Which prompts are no pair for a copy is known from their tokens.
        Assert.Equal(naive.Warnings.Where(IsOfPrompts), planned.Warnings.Where(IsOfPrompts));
        for (int i = 0; i < graph.Writes.Length; i++)
        {
            (WriteEffect expected, WriteEffect actual) = (naive.Effects[i], planned.Effects[i]);
            string which = $"{actual} instead of {expected}, {what}";
            double tolerance = 1e-9 * Math.Max(1, expected.Largest);
            bool isAll = actual.Compared == actual.Selected;
            Assert.True(
                (expected.Write, expected.Site, expected.Run, expected.Selected) == (
                    actual.Write, actual.Site, actual.Run, actual.Selected),
                which);
            Assert.True(
                expected.Compared == expected.Written && (expected.Written == expected.Selected || actual.Written < actual.Selected),
                which);
            Assert.True(
                actual.Selected >= actual.Written && actual.Written >= actual.Compared && actual.Compared >= actual.Changed
                    && actual.Changed >= 0,
                which);
            Assert.True(
                actual.Largest <= expected.Largest + tolerance && (!isAll || actual.Largest >= expected.Largest - tolerance), which);
            // Equal values that were computed apart may differ by rounding, in one of the runs or in both.
            if (!graph.Writes[i].Reads.Any(read => read is Read.From or Read.Mean or Read.Partner))
                Assert.True(
                    actual.Changed <= expected.Changed && expected.Changed - actual.Changed <= actual.Selected - actual.Compared, which);
            string[] expectedWarnings = Of(naive), actualWarnings = Of(planned);
            if (actual.Written == 0)
                Assert.True(actualWarnings.All(warning => warning.Contains("is never read", StringComparison.Ordinal)), which);
            else if (isAll && IsClear(expected) && IsClear(actual))
                Assert.True(
                    expectedWarnings.SequenceEqual(actualWarnings),
                    $"[{string.Join(", ", actualWarnings)}] instead of [{string.Join(", ", expectedWarnings)}]: {which}");

            string[] Of(RunResult run) =>
                [.. run.Warnings.Where(
                    warning => warning.StartsWith($"Random.{actual.Write} ", StringComparison.Ordinal) && !IsOfPrompts(warning))];
        }

        static bool IsOfPrompts(string warning) => warning.Contains("copies what is there already", StringComparison.Ordinal);

        static bool IsClear(WriteEffect effect) => effect.Largest is 0 or > 1e-9;
    }

    /// <summary>The same intervention with its tensors on the meta device.</summary>
    private static RunResult OnMeta(HookedModel meta, int seed, RunOptions options)
    {
        RandomIntervention random = new(meta.Schema, seed, meta.Device);
        IPromptSet prompts = random.Prompts(meta.VocabularySize);
        return InterventionRunner.Run(random.Graph(), meta, prompts, options);
    }

    private static string Describe(InterventionGraph graph, IPromptSet prompts) => string.Join(
        "; ",
        [
            $"changes {graph.Changes}",
            .. graph.Runs.Select(run => $"{run.Name} of {run.From}"),
            .. graph.Writes.Select(
                write =>
                    $"{write.Run}: {write.Site} = {write.Kind}{(write.Pointwise ? "pointwise" : "")} of {string.Join(",", write.Reads)}"),
            .. graph.Captures.Select(capture => $"{capture.Name} {capture.Site} before {capture.BeforeWrites}"),
            .. graph.Gradients.Select(gradient => $"{gradient.Name} {gradient.Site}"),
            .. graph.Metrics.Select(metric => $"metric of {string.Join(",", metric.Reads)}"),
            .. prompts.Prompts.Select(prompt => string.Join(
                " / ", prompt.Runs.Select(run => $"{string.Join(",", run.Ids)} at {string.Join(",", run.Positions)}"))),
        ]);

    private static void Close(Tensor expected, Tensor actual, string what)
    {
        Assert.True(
            expected.shape.SequenceEqual(actual.shape),
            $"{what}: [{string.Join(", ", actual.shape)}] instead of [{string.Join(", ", expected.shape)}]");
        if (expected.NumberOfElements == 0)
            return;
        (expected, actual) = (expected.to_type(float64), actual.to_type(float64));
        // −∞ is −∞ on both sides.
        Tensor difference = expected.eq(actual).logical_not().to_type(expected.dtype) * (expected.nan_to_num() - actual.nan_to_num()).abs();
        double largest = difference.max().item<double>();
        double scale = Math.Max(1, expected.nan_to_num(posinf: 0, neginf: 0).abs().max().item<double>());
        Assert.True(largest <= 1e-9 * scale, $"{what}: differs by {largest:E2}");
    }
}
