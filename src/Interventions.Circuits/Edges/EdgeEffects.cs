using System.Collections.Immutable;
using Interventions.ModelGraphs;
using Interventions.Results;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits;

/// <summary>
/// The exact effect of every edge: the edge alone carries something else, in an otherwise clean run, and everything behind it is computed
/// anew. A forward pass an edge, as planned sweeps: what edges share is computed once. Where that takes too long, see
/// <see cref="EdgeAttribution"/>.
/// </summary>
public static class EdgeEffects
{
    /// <summary>After how many edges a file is written.</summary>
    private const int SavedTogether = 256;

    private static readonly string[] s_sourcePlaceholders = ["source", "sender"], s_targetPlaceholders = ["target", "head"];

    /// <summary>Measures every edge: the metric without it, less the clean metric.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">Prompts in two runs at least; the first one is the clean one.</param>
    /// <param name="metric">A declaration with one metric and nothing else.</param>
    /// <param name="options">What edges carry instead, and how to run.</param>
    /// <param name="path">
    /// A file that the scores are written to as they are measured; where one was stopped, the same call goes on with it. Progress then
    /// counts edges. Default: none.
    /// </param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass; what the file has stays.</param>
    /// <exception cref="InterventionException">
    /// The model has no edges of single heads, the declaration is not one metric, or a name is not in the prompt set; or the file was begun
    /// with something else.
    /// </exception>
    public static EdgeScores Of(
        HookedModel model,
        IPromptSet prompts,
        InterventionGraph metric,
        CircuitOptions? options = null,
        string? path = null,
        CancellationToken cancellationToken = default)
    {
        Measurement measurement = Measurement.Of(model, prompts, metric, options);
        CircuitGraph graph = measurement.Sites.Graph;
        ImmutableArray<string> notes = [];
        double[][] scores = [.. prompts.Prompts.Select(_ => new double[graph.EdgeCount])];
        IEnumerable<Edge[]> parts = graph.Edges
            .GroupBy(edge => (edge.Source.Kind, edge.Target.Component.Kind, edge.Target.Input)).Select(alike => alike.ToArray());
        if (path is not null)
            notes = MeasureTo(path, measurement, metric, parts.SelectMany(alike => alike.Chunk(SavedTogether)), scores, cancellationToken);
        else
            foreach (Edge[] edges in parts)
                notes = Measure(measurement, edges, scores, cancellationToken);
        return new EdgeScores(graph, scores) { Warnings = notes };
    }

    /// <summary>Measures parts of the edges, and writes the scores after each; the prompt set's runs are computed once.</summary>
    /// <returns>The runs' warnings.</returns>
    private static ImmutableArray<string> MeasureTo(
        string path,
        Measurement measurement,
        InterventionGraph metric,
        IEnumerable<Edge[]> parts,
        double[][] scores,
        CancellationToken cancellationToken)
    {
        CircuitGraph graph = measurement.Sites.Graph;
        WorkOrigin origin = WorkOrigin.Of(measurement, metric, "exact effects");
        int done = File.Exists(path) ? EdgeScores.Resume(path, origin, scores) : 0, measured = 0;
        ImmutableArray<string> notes = [];
        if (done == graph.EdgeCount)
            return notes;
        Measurement holding = measurement.Holding(out HeldRuns? runs, cancellationToken);
        using (runs)
        {
            foreach (Edge[] edges in parts)
            {
                measured += edges.Length;
                if (measured <= done)
                    continue;
                notes = Measure(holding, edges, scores, cancellationToken);
                new EdgeScores(graph, scores).Write(path, origin, measured);
                measurement.Options.Run.Progress?.Report(new RunProgress(measured, graph.EdgeCount));
            }
        }
        return notes;
    }

    /// <summary>Measures edges whose sources are alike, and whose targets are, by one sweep.</summary>
    /// <returns>The run's warnings.</returns>
    private static ImmutableArray<string> Measure(
        Measurement measurement, Edge[] edges, double[][] scores, CancellationToken cancellationToken)
    {
        using DisposeScope scope = NewDisposeScope();
        using RunResult run = measurement.Run(Sweep(measurement, edges), cancellationToken);
        string name = measurement.Metric.Name;
        double[] found = run.Changed(name).Values.sub(run.Run(measurement.Clean)[name]).Doubles();
        foreach ((int i, int place) in edges.Select(measurement.Sites.Graph.IndexOf).Index())
            for (int prompt = 0; prompt < scores.Length; prompt++)
                scores[prompt][place] = found[(i * scores.Length) + prompt];
        return run.Layout.Notes;
    }

    /// <summary>A sweep over edges whose sources are alike, and whose targets are.</summary>
    private static InterventionGraph Sweep(Measurement measurement, Edge[] edges)
    {
        Edge first = edges[0];
        string source = first.Source.Kind switch
        {
            ComponentKind.Embed => measurement.Sites.Embed,
            ComponentKind.Head => "blocks.{source}.attn.result[head={sender}]",
            _ => "blocks.{source}.mlp_out",
        };
        string target = first.Target.Component.Kind switch
        {
            ComponentKind.Head => $"blocks.{{target}}.attn.{$"{first.Target}"[^1]}_input[head={{head}}]",
            ComponentKind.Mlp => "blocks.{target}.mlp_in",
            _ => $"blocks.{measurement.Sites.Graph.Layers - 1}.resid_post",
        };
        string[] placeholders =
        [
            .. s_targetPlaceholders[..Places(first.Target.Component).Length], .. s_sourcePlaceholders[..Places(first.Source).Length],
        ];
        return new InterventionGraph
        {
            Name = nameof(EdgeEffects),
            Sweeps = placeholders.Length switch
            {
                0 => [],
                1 => [SweepAxis.OfNumbers(placeholders[0], [.. edges.Select(edge => (double)PlacesOf(edge)[0])])],
                _ => [SweepAxis.OfPoints(string.Join(", ", placeholders), [.. edges.Select(edge => string.Join('.', PlacesOf(edge)))])],
            },
            Writes =
            [
                new WriteNode(
                    "Edge", target, [new Read.Value(), new Read.From(null, source), .. measurement.Options.Replacements([source])],
                    x => x[0].plus(Sources.Change(x[1..], sites: 1, site: 0).reshape(x[0].shape))),
            ],
        };

        static int[] PlacesOf(Edge edge) => [.. Places(edge.Target.Component), .. Places(edge.Source)];
    }

    /// <summary>The coordinates of a component: its layer, and of a head its number.</summary>
    private static int[] Places(Component component) => component.Kind switch
    {
        ComponentKind.Head => [component.Layer, component.Head],
        ComponentKind.Mlp => [component.Layer],
        _ => [],
    };
}
