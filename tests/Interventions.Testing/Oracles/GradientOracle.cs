using Interventions.ModelGraphs;
using Interventions.Runtime;
using Interventions.Testing.RandomDeclarations;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Testing.Oracles;

/// <summary>A captured gradient is the metric's slope: at every site that a model's schema names, so that none can be forgotten.</summary>
public static class GradientOracle
{
    private const double Step = 3e-4;

    private static readonly double[] s_steps = [-2 * Step, -Step, 0, Step, 2 * Step];

    /// <summary>
    /// Moves each site of each layer a little along a direction, in every prompt; the gradient along that direction is how the metric
    /// follows. Relative to the largest: 5e-6.
    /// </summary>
    public static void Check(HookedModel model, HookedModel meta)
    {
        RandomPrompts prompts = RandomPrompts.Of(5, model.VocabularySize, 6, 4, 6);
        List<string> wrong = [];
        foreach (SiteDefinition site in model.Schema.Sites.Where(site => !site.WholeNumbers))
        {
            string[] paths = [.. Enumerable.Range(
                0, site.Path.Contains("{layer}", StringComparison.Ordinal) ? model.Schema.SizeOf("layer")!.Value : 1)
                .Select(layer => site.Path.Replace("{layer}", $"{layer}", StringComparison.Ordinal)).Distinct()];
            foreach (string path in paths)
            {
                foreach ((string run, WriteNode[] before) in new[] { ("clean", Array.Empty<WriteNode>()), (
                    "corrupted", [BuiltInWrites.Scale(model.Schema.Sites[0].Path, 0.9)]) })
                {
                    using DisposeScope scope = NewDisposeScope();
                    InterventionGraph graph = Moved(path, run, before);
                    using RunResult output = InterventionRunner.Run(graph, model, prompts);
                    using RunResult shapes = InterventionRunner.Run(graph, meta, prompts);
                    MetaDevice.IsLike(output, shapes, graph, prompts, $"{path} in {run}");
                    Tensor measured = output.Changed("Metric").Values;
                    Tensor gradients = output.Changed("Gradient").Values;
                    Tensor slopes = Slopes(measured);
                    double largest = slopes.abs().max().item<double>(), error = (slopes - gradients[2]).abs().max().item<double>();
                    // The run without any step is the unchanged one.
                    if (before.Length == 0)
                        error = Math.Max(error, (slopes - output.Run(run)["Gradient"]).abs().max().item<double>());
                    if (!(largest > 1e-6 && error <= 5e-6 * largest))
                        wrong.Add($"{path} in {run}: off by {error:E1} of {largest:E1}");
                }
            }
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    private static InterventionGraph Moved(string path, string run, WriteNode[] before) => new()
    {
        Name = "Moved",
        Changes = run,
        Sweeps = [SweepAxis.OfNumbers("step", s_steps)],
        Writes = [.. before, new WriteNode("Move", path, [new Read.Value(), new Read.Swept("step")], x => x[0] + (x[1] * Direction(x[0])))],
        Gradients = [new GradientNode("Gradient", path, [new Read.Gradient()], x => (x[0] * Direction(x[0])).flatten(1).sum(-1))],
        Metrics = [new MetricNode("Metric", [new Read.Logit("right", "end"), new Read.Logit("wrong", "mid")], x => x[0] - (2 * x[1]))],
    };

    /// <summary>By central differences of fourth order: <c>[step, batch]</c> to <c>[batch]</c>.</summary>
    private static Tensor Slopes(Tensor measured) => ((8 * (measured[3] - measured[1])) - (measured[4] - measured[0])) / (12 * Step);

    /// <summary>The same for every prompt, and along no axis.</summary>
    private static Tensor Direction(Tensor values)
    {
        long[] shape = [1, .. values.shape[1..]];
        return arange(shape.Aggregate((x, y) => x * y), dtype: float64, device: values.device).mul(1.7).add(0.6).cos().view(shape);
    }
}
