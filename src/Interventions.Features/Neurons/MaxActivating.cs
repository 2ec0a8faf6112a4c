using System.Collections.Immutable;
using Interventions.ModelGraphs;
using Interventions.Models.Decoder;

namespace Interventions.Features;

/// <summary>What is kept of a pass over a corpus.</summary>
public sealed record MaxActivatingOptions
{
    /// <summary>How many texts with the largest activations are kept of each neuron. Default: 20.</summary>
    public int Top { get; init; } = 20;

    /// <summary>How many texts on which it fires are drawn at random. Default: 20.</summary>
    public int Sampled { get; init; } = 20;

    /// <summary>How many texts on which it does not fire are drawn at random. Default: 20.</summary>
    public int Silent { get; init; } = 20;

    /// <summary>A neuron fires where its activation is above this. Default: 0.</summary>
    public double Threshold { get; init; }

    /// <summary>What is drawn: the same seed draws the same texts of the same corpus. Default: 1.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>After how many contexts of the corpus the pass ends; at its end, unless this is given.</summary>
    public int? Contexts { get; init; }

    /// <summary>
    /// The token that begins texts and is none, whose activations are far from all others and have no part in anything. Default: the
    /// tokenizer's; none for a model without a tokenizer.
    /// </summary>
    public long? Bos { get; init; }

    /// <summary>
    /// Batch size, memory budget, and progress in contexts; its total is 0 where the corpus does not say how many it has.
    /// </summary>
    public RunOptions Run { get; init; } = new();

    /// <summary>The token in front, of a model.</summary>
    internal long? BosOf(HookedModel model) =>
        Bos ?? (model is DecoderModel { HasTokenizer: true } decoder ? decoder.Tokenizer.BosId : null);
}

/// <summary>
/// Maximally activating examples: on which texts of a corpus neurons have their largest activations. One pass of the model as far as the
/// neurons, whatever their number; the corpus is read as the pass goes on.
/// </summary>
public static class MaxActivating
{
    /// <summary>Looks at neurons of one value.</summary>
    /// <param name="model">The model.</param>
    /// <param name="corpus">The texts, each no longer than the model's context.</param>
    /// <param name="site">The neurons.</param>
    /// <param name="options">What is kept.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <exception cref="InterventionException">
    /// The model has no such neurons, the corpus is empty, or an activation is no number.
    /// </exception>
    public static MaxActivatingExamples Of(
        HookedModel model, Corpus corpus, NeuronSite site, MaxActivatingOptions? options = null,
        CancellationToken cancellationToken = default) => Of(model, corpus, [site], options, cancellationToken);

    /// <summary>Looks at neurons of several values in the same pass, such as those of all layers.</summary>
    /// <param name="model">The model.</param>
    /// <param name="corpus">The texts, each no longer than the model's context.</param>
    /// <param name="sites">The neurons.</param>
    /// <param name="options">What is kept.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <exception cref="InterventionException">
    /// The model has no such neurons, the corpus is empty, or an activation is no number.
    /// </exception>
    public static MaxActivatingExamples Of(
        HookedModel model, Corpus corpus, IReadOnlyList<NeuronSite> sites, MaxActivatingOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(corpus);
        ArgumentNullException.ThrowIfNull(sites);
        if (sites.Count == 0)
            throw new ArgumentException("There are no neurons to look at.", nameof(sites));
        options ??= new MaxActivatingOptions();
        NeuronReader reader = new(model, sites, options.Run);
        ExamplePass pass = new(reader.Neurons, options, options.BosOf(model));
        int total = corpus.Contexts.TryGetNonEnumeratedCount(out int count) ? Math.Min(count, options.Contexts ?? count) : 0;
        Func<long, string> textOf = TextsOf(model, corpus);
        foreach (IReadOnlyList<long>[] batch in corpus.Contexts.Take(options.Contexts ?? int.MaxValue).Chunk(options.Run.BatchSize))
        {
            cancellationToken.ThrowIfCancellationRequested();
            foreach ((IReadOnlyList<long> context, double[] activations) in batch.Zip(reader.Read(batch, cancellationToken)))
                pass.Add(context, activations, textOf);
            options.Run.Progress?.Report(new RunProgress(pass.Contexts, total));
        }
        return pass.Contexts > 0
            ? new MaxActivatingExamples(pass.Examples())
            : throw new InterventionException("The corpus has no contexts.");
    }

    /// <summary>Texts of tokens: by the model's tokenizer, else by the corpus's.</summary>
    private static Func<long, string> TextsOf(HookedModel model, Corpus corpus) =>
        corpus.Tokenizer is { } tokenizer && model.Decode([]) is null
            ? token => tokenizer.Decode([checked((int)token)]) is { Length: > 0 } text ? text : model.TextOf(token)
            : model.TextOf;
}
