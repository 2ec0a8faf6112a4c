using System.Globalization;
using Interventions.ModelGraphs;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits;

/// <summary>
/// Which feed-forward blocks build on which (Nanda et al. 2023, fact finding): in one block's input alone, what an earlier one writes is
/// replaced by its mean over prompts; all other readers see it as it is.
/// </summary>
public static class MlpPaths
{
    private const string Target = "target", Source = "source";

    /// <summary>Ablates every path from a block to a later one, one at a time, at one position.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">The prompts; the first run is measured.</param>
    /// <param name="metric">
    /// A declaration with metrics and nothing else. Soft ones, such as a loss, can be trusted more than accuracies.
    /// </param>
    /// <param name="layers">The layers of the blocks; all of them unless they are given.</param>
    /// <param name="at">The position: a name, or an index.</param>
    /// <param name="over">The prompts of whose first run the means are; the measured ones unless they are given.</param>
    /// <param name="options">How to run.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <returns>The changes, by paths such as <c>m2-&gt;m4</c>.</returns>
    /// <exception cref="InterventionException">
    /// The model has no feed-forward blocks, or no such layers; the declaration is not one of metrics alone; or a name is not in the
    /// prompts.
    /// </exception>
    public static AblationEffects Of(
        HookedModel model, IPromptSet prompts, InterventionGraph metric, IReadOnlyList<int>? layers = null, string at = "end",
        IPromptSet? over = null, RunOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(prompts);
        InterventionGraph measured = MetricsAlone.Of(metric);
        int count = model.Schema.SizeOf("layer") ?? 0;
        int[] blocks = [.. (layers ?? [.. Enumerable.Range(0, count)]).Distinct().Order()];
        if (blocks.Length < 2 || blocks[0] < 0 || blocks[^1] >= count)
            throw new InterventionException(
                $"{nameof(MlpPaths)}: paths go from one layer to a later one, of 0 to {count - 1}; given are {string.Join(", ", blocks)}.");
        using DisposeScope scope = NewDisposeScope();
        Tensor means = Means(model, over ?? prompts, at, options, cancellationToken);
        (int Target, int Source)[] paths =
            [.. blocks.SelectMany(target => blocks.Where(source => source < target).Select(source => (target, source)))];
        InterventionGraph graph = measured with
        {
            Name = nameof(MlpPaths),
            Sweeps = [SweepAxis.OfPoints($"{Target}, {Source}", [.. paths.Select(path => $"{Text(path.Target)}.{Text(path.Source)}")])],
            Writes =
            [
                new WriteNode(
                    "Path", $"blocks.{{{Target}}}.mlp_in[pos={at}]",
                    [new Read.Value(), new Read.From(null, $"blocks.{{{Source}}}.mlp_out[pos={at}]"), new Read.Swept(Source)],
                    x => x[0].plus(means[(long)x[2].item<double>()].sub(x[1]))),
            ],
        };
        using RunResult run = graph.Run(model, prompts, options, cancellationToken);
        return AblationEffects.Of("path", [.. paths.Select(path => $"m{Text(path.Source)}->m{Text(path.Target)}")], measured, prompts, run);
    }

    /// <summary>What each block writes at the position, as a mean over prompts: <c>[layer, d_model]</c>.</summary>
    private static Tensor Means(
        HookedModel model, IPromptSet prompts, string at, RunOptions? options, CancellationToken cancellationToken)
    {
        InterventionGraph graph = new()
        {
            Name = nameof(MlpPaths),
            Captures = [new CaptureNode(nameof(Means), $"blocks.*.mlp_out[pos={at}]", [new Read.Value()], x => x[0])],
            IsUnanalyzed = true,
        };
        using RunResult run = graph.Run(model, prompts, options, cancellationToken);
        return run.Changed(nameof(Means)).Values.mean([1L, 2L]);
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
