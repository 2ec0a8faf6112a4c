using Interventions.Binding;
using Interventions.ModelGraphs;
using Interventions.Sites;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>
/// Takes rows of a model's values at the positions of contexts. The engine computes nothing behind the last site that is read.
/// </summary>
internal sealed class ActivationReader
{
    private const string Input = nameof(Input), Output = nameof(Output);

    private readonly HookedModel _model;
    private readonly InterventionGraph _graph;

    /// <exception cref="InterventionException">The model lacks a site, or it is not one value a position.</exception>
    public ActivationReader(HookedModel model, Corpus corpus, string site, ActivationOptions options)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(corpus);
        ArgumentException.ThrowIfNullOrEmpty(site);
        (_model, Corpus, Site, Options) = (model, corpus, site, options);
        Intervention taken = Intervention.On(model, "Activations").Capture(Input, site);
        Check(model.Schema, site);
        if (options.Target is { } target)
        {
            taken = taken.Capture(Output, target);
            Check(model.Schema, target);
        }
        _graph = taken.Graph;
        Positions = options.LeftOut.In(corpus);
    }

    public Corpus Corpus { get; }

    public string Site { get; }

    public ActivationOptions Options { get; }

    /// <summary>Which positions are taken.</summary>
    public PositionRule Positions { get; }

    /// <summary>How many rows contexts have.</summary>
    public int CountOf(IEnumerable<IReadOnlyList<long>> contexts) => contexts.Sum(context => Positions.Kept(context).Count());

    /// <summary>
    /// The rows of contexts, in their order: <c>[row, …]</c>, what the site has at a position in one row, in the model's type. At least one
    /// position is taken.
    /// </summary>
    /// <param name="contexts">The contexts; they are computed together, so that a row has the same bits whenever they are.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <exception cref="InterventionException">A context does not fit the model, or a value is infinite or no number.</exception>
    public ActivationBatch Rows(IReadOnlyList<IReadOnlyList<long>> contexts, CancellationToken cancellationToken = default)
    {
        long length = contexts.Max(context => context.Count);
        if (_model.ContextLength is { } most && length > most)
            throw new InterventionException(
                $"A context of the corpus has {length} tokens, and {_model.Schema.Model} reads at most {most}: set "
                + $"{nameof(CorpusOptions)}.{nameof(CorpusOptions.ContextLength)} to {most}.");
        using IDisposable mode = no_grad();
        using DisposeScope scope = NewDisposeScope();
        using RunResult run = _graph.Run(
            _model, new TokenPrompts(contexts), new RunOptions { BatchSize = contexts.Count, KeptRuns = [] }, cancellationToken);
        long[] places = [.. contexts.SelectMany((context, i) => Positions.Kept(context).Select(position => (i * length) + position))];
        Tensor index = tensor(places, device: _model.Device);
        Tensor input = Taken(Input, Site).MoveToOuterDisposeScope();
        return new ActivationBatch(input, Options.Target is { } target ? Taken(Output, target).MoveToOuterDisposeScope() : input);

        Tensor Taken(string name, string of)
        {
            Tensor rows = run[name].Values.flatten(0, 1).flatten(1).index_select(0, index);
            return rows.isfinite().all().cpu().item<bool>() ? rows : throw new InterventionException(
                $"'{of}' of {_model.Schema.Model} has values that are infinite or no numbers.");
        }
    }

    /// <summary>The contexts of a corpus in batches, in order.</summary>
    public IEnumerable<IReadOnlyList<long>[]> Batches() => Corpus.Contexts.Chunk(Options.BatchSize);

    private static void Check(ModelSchema schema, string site)
    {
        SiteResolution resolution = SiteResolver.Resolve(site, schema, null).Resolution!;
        string? problem =
            resolution.Site!.Axes.Skip(1).FirstOrDefault() != "pos" ? "it has no value at each position"
            : resolution.Site.WholeNumbers ? "its values are whole numbers"
            : resolution.Path.Placeholders.Any() || resolution.Layer is { IsOne: false } ? "it is several sites: name one layer"
            : resolution.Axes.Any(axis => axis.Axis == "pos")
                ? $"it selects positions: say in {nameof(ActivationOptions)}.{nameof(ActivationOptions.LeftOut)} which are left out"
            : null;
        if (problem is not null)
            throw new InterventionException($"Rows of '{site}' cannot be taken: {problem}.");
    }
}
