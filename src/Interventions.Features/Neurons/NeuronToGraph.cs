using System.Collections.Immutable;
using Interventions.ModelGraphs;

namespace Interventions.Features;

/// <summary>
/// Neuron to Graph (Foote et al. 2023, arXiv:2305.19911): graphs of the tokens that neurons look at, from their largest activations. Every
/// second example is put into the graph, the others are held out and say how well it predicts.
/// </summary>
/// <remarks>
/// An example is cut to the tokens that the neuron needs; each of these is masked in turn to see how much of the activation is lost; tokens
/// that are important are substituted by others, whether or not the neuron fires then; what is important becomes a path. The short texts of
/// all examples, of up to 16 neurons at once, are run together, and each of them once.
/// </remarks>
public static class NeuronToGraph
{
    /// <summary>How many neurons are read at once.</summary>
    private const int Group = 16;

    /// <summary>Makes graphs of neurons.</summary>
    /// <param name="model">The model.</param>
    /// <param name="site">Where the neurons are: the site that the examples are of.</param>
    /// <param name="examples">What the neurons did on a corpus.</param>
    /// <param name="options">Thresholds, substitutes, a folder to go on from.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass; finished neurons stay in the folder.</param>
    /// <exception cref="ArgumentException">Examples are of another site.</exception>
    /// <exception cref="InterventionException">A file of the folder was begun with something else.</exception>
    public static NeuronGraphs Of(
        HookedModel model, NeuronSite site, IEnumerable<NeuronExamples> examples, NeuronToGraphOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(examples);
        options ??= new NeuronToGraphOptions();
        NeuronExamples[] all = [.. examples];
        Check(site, all);
        NeuronFolder folder = new(options.Folder, NeuronGraphs.Ending);
        string[] common = options.Folder is null ? [] :
            [$"weights={NeuronFolder.HashOf(model)}", $"dictionary={site.Fingerprint}", $"options={options.Described}"];
        ImmutableArray<string>[] origins = [.. all.Select(one => common.Length == 0 ? ImmutableArray<string>.Empty
            : [.. common, $"examples={NeuronFolder.HashOf(one)}"])];
        NeuronGraph?[] graphs = [.. all.Select((one, i) => folder.Finished(one.Neuron, origins[i], NeuronGraph.Read))];
        TokenSubstitutes? substitutes = options.SourceOf(model);
        int done = graphs.Count(graph => graph is not null);
        foreach (int[] group in Enumerable.Range(0, all.Length).Where(i => graphs[i] is null).ToArray().Chunk(Group))
        {
            NeuronReader reader = new(model, [site.With(group.Select(i => all[i].Neuron.Index))], options.Run);
            GraphStages stages = new(model, reader, options, substitutes, cancellationToken);
            foreach ((int i, NeuronGraph graph) in group.Zip(Graphs(stages, [.. group.Select(i => all[i])])))
            {
                folder.Keep(graph.Neuron, origins[i], fields => NeuronGraph.Fields(fields, graph));
                graphs[i] = graph;
                options.Run.Progress?.Report(new RunProgress(++done, all.Length));
            }
        }
        return new NeuronGraphs(graphs.OfType<NeuronGraph>());
    }

    /// <summary>Makes the graph of one neuron.</summary>
    /// <inheritdoc cref="Of(HookedModel, NeuronSite, IEnumerable{NeuronExamples}, NeuronToGraphOptions, CancellationToken)"/>
    public static NeuronGraph Of(
        HookedModel model, NeuronSite site, NeuronExamples examples, NeuronToGraphOptions? options = null,
        CancellationToken cancellationToken = default) => Of(model, site, [examples], options, cancellationToken)[0];

    /// <summary>The first steps alone, of all top examples: each cut to the tokens that the neuron needs, with their saliency.</summary>
    /// <param name="model">The model.</param>
    /// <param name="site">Where the neuron is.</param>
    /// <param name="examples">What it did on a corpus.</param>
    /// <param name="options">The token that masks.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <exception cref="ArgumentException">Examples are of another site.</exception>
    public static IReadOnlyList<NeuronWindow> Windows(
        HookedModel model, NeuronSite site, NeuronExamples examples, NeuronToGraphOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(examples);
        options ??= new NeuronToGraphOptions();
        Check(site, [examples]);
        NeuronReader reader = new(model, [site.With([examples.Neuron.Index])], options.Run);
        GraphStages stages = new(model, reader, options, substitutes: null, cancellationToken);
        CutText[] texts = [.. examples.Top.Select(example => new CutText(examples, 0, example))];
        stages.Prune(texts);
        return [.. stages.Windows(texts)];
    }

    /// <summary>The graphs of the neurons that are read at once.</summary>
    internal static IEnumerable<NeuronGraph> Graphs(GraphStages stages, NeuronExamples[] neurons)
    {
        CutText[] texts =
            [.. neurons.SelectMany((neuron, column) => Half(neuron, 0).Select(example => new CutText(neuron, column, example)))];
        stages.Prune(texts);
        ILookup<int, IReadOnlyList<NeuronPath>> paths = stages.Paths(texts).ToLookup(one => one.Text.Column, one => one.Paths);
        return neurons.Select((neuron, column) =>
        {
            NeuronTrie trie = NeuronTrie.Of(paths[column].SelectMany(ofText => ofText));
            trie.Merge();
            NeuronGraph graph = new(neuron.Neuron, neuron.Maximum, trie.Paths()) { Texts = paths[column].Count() };
            NeuronExample[] heldOut = [.. Half(neuron, 1)];
            return heldOut.Length == 0 ? graph : graph.With(
                graph.Validate(heldOut), PredictionScores.Of(TokenMaxima.Of(Half(neuron, 0)), heldOut, neuron.Maximum));
        });
    }

    /// <summary>Every second of the top examples: those that make a graph, or those that are held out.</summary>
    private static IEnumerable<NeuronExample> Half(NeuronExamples neuron, int which) => neuron.Top.Where((_, rank) => rank % 2 == which);

    private static void Check(NeuronSite site, NeuronExamples[] all)
    {
        ArgumentNullException.ThrowIfNull(site);
        foreach (NeuronExamples other in all.Where(one =>
            one.Neuron.Site != site.Path || one.Neuron.IsFeature != (site.Dictionary is not null)).Take(1))
            throw new ArgumentException($"Examples of {other.Neuron} are not of {site}.", nameof(site));
    }
}
