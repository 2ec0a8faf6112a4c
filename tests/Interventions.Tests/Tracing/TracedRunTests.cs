using Interventions.ModelGraphs;
using Interventions.Models.Decoder;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Tracing;

/// <summary>
/// What a declaration would do: a trace writes, keeps and differentiates what the engine does, on prompts of different length.
/// </summary>
public sealed class TracedRunTests
{
    public static IEnumerable<object[]> Families => SmallDecoders.Families;

    [Theory]
    [MemberData(nameof(Families))]
    public void A_trace_is_a_run_of_the_engine(string family)
    {
        using DecoderModel model = SmallDecoders.Model(family);
        // Whole numbers, as a router's choices, have no gradient and take no fractions.
        string[] sites =
        [
            .. model.Schema.Sites.Where(site => !site.WholeNumbers)
                .Select(site => site.Path.Replace("{layer}", "1", StringComparison.Ordinal)),
        ];
        int ran = 0, count = (family is "gpt2" or "llama" ? 3 : 1) * sites.Length;
        for (int seed = 0; seed < count; seed++)
        {
            Random random = new(seed);
            string Site() => sites[random.Next(sites.Length)];
            ran += Check(
                model, new RandomIntervention(model.Schema, seed).Prompts(model.VocabularySize), written: sites[seed % sites.Length],
                kept: Site(), differentiated: Site(), naive: random.Next(2) == 0) ? 1 : 0;
        }
        Assert.True(ran > 0.8 * count, $"{ran} of {count} ran");
    }

    /// <summary>False where the engine refuses, as the trace does then.</summary>
    private static bool Check(HookedModel model, IPromptSet prompts, string written, string kept, string differentiated, bool naive)
    {
        using DisposeScope scope = NewDisposeScope();
        string what = $"write {written}, keep {kept}, differentiate {differentiated}";
        // Also a pattern that is added to does not look at padding.
        static Tensor Write(Tensor x) => (x * 0.9) + 0.2;
        InterventionGraph graph = new()
        {
            Name = "Traced",
            Writes = [new WriteNode("Write", written, [new Read.Value()], x => Write(x[0]))],
            Captures = [new CaptureNode("Kept", kept, [new Read.Value()], x => x[0])],
            Gradients = [new GradientNode("Gradient", differentiated, [new Read.Gradient(), new Read.Value()], x => x[0] * x[1])],
            Metrics = [new MetricNode("Metric", [new Read.Logits("end")], x => Metric(x[0]))],
        };
        using ModelTrace trace = model.Trace(prompts);
        try
        {
            foreach (TracedSite site in trace)
            {
                if (site.Name == written)
                    site.Value = Write(site.Value);
                if (site.Name == kept || site.Name == differentiated || site.Name == "logits")
                    site.Keep();
                if (site.Name == differentiated)
                    site.KeepGradient();
            }
        }
        catch (InterventionException refusal) when (refusal.Message.Contains("by the model's schema", StringComparison.Ordinal))
        {
            Assert.Contains(
                "by the model's schema", Assert.Throws<InterventionException>(() => InterventionRunner.Run(graph, model, prompts)).Message,
                StringComparison.Ordinal);
            return false;
        }
        using RunResult run = InterventionRunner.Run(graph, model, prompts, new RunOptions { Naive = naive });
        int[] lengths = [.. prompts.Prompts.Select(prompt => prompt.Runs[0].Ids.Count)];
        Tensor metric = stack([.. lengths.Select((length, i) => Metric(trace["logits"][i, length - 1].unsqueeze(0)))]).flatten();
        Assert.True(Distance.Largest(metric.detach(), run.Changed("Metric").Values) < 1e-9, $"{what}: metric");
        Compare("Kept", kept, trace[kept]);
        Compare("Gradient", differentiated, trace.Gradient(metric, differentiated) * trace[differentiated].detach());
        return true;

        void Compare(string name, string path, Tensor traced)
        {
            SiteDefinition site = model.Schema.Sites.Single(site => site.Path.Replace("{layer}", "1", StringComparison.Ordinal) == path);
            for (int i = 0; i < lengths.Length; i++)
                Assert.True(
                    Distance.Largest(
                        Real(traced.detach(), site, i, lengths[i]), Real(run.Changed(name).Values, site, i, lengths[i])) < 1e-9,
                    $"{what}: {name} of prompt {i}");
        }
    }

    /// <summary>One prompt's value without its padding.</summary>
    private static Tensor Real(Tensor value, SiteDefinition site, int prompt, int length)
    {
        for (int axis = 1; axis < site.Axes.Count; axis++)
            if (site.Axes[axis] is "pos" or "query" or "key")
                value = value.narrow(axis, 0, length);
        return value[prompt];
    }

    private static Tensor Metric(Tensor logits) => logits.log_softmax(-1).narrow(-1, 3, 2).sum([-1L]);
}
