using Interventions.Models.Decoder;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>How a Jacobian lens is fitted.</summary>
public sealed record JacobianLensOptions
{
    /// <summary>
    /// How many tokens in front of each context do not count, as source or as target: attention rests on them, and their streams are of
    /// another size. The last token has nothing to predict, and does not count either. Default: 16.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative.</exception>
    public int SkippedTokens
    {
        get;
        init => field = value >= 0
            ? value
            : throw new ArgumentOutOfRangeException(nameof(SkippedTokens), value, "A number of tokens is not negative.");
    } = 16;

    /// <summary>
    /// The file to go on with and to save to, after each batch of contexts. The same call with the same path goes on where it stopped.
    /// Default: none.
    /// </summary>
    public string? Path { get; init; }

    /// <summary>
    /// How many contexts are run together, and the memory budget, a quarter of which gradients take. Its progress is that of the fit.
    /// </summary>
    public RunOptions Run { get; init; } = new() { BatchSize = 4 };
}

/// <summary>
/// The Jacobian lens (Gurnee et al. 2026, transformer-circuits.pub/2026/workspace): a stream is carried to the end by the mean derivative
/// of the last stream, J_l = E[∂h_last / ∂h_l], over contexts and source tokens; of each source token summed over itself and all targets
/// behind it, as published. So it has what all blocks behind block l do on the average, and of the last block it is the identity. What
/// follows are the model's last norm and its unembedding, as for any lens.
/// </summary>
/// <remarks>
/// A fit costs a backward pass for each dimension of the stream and batch of contexts, and a forward pass for as many dimensions as the
/// memory budget allows. Some hundred contexts of 128 tokens are enough.
/// </remarks>
public static class JacobianLens
{
    private const string Sum = "sum", Done = "done";

    /// <summary>Fits a lens to text.</summary>
    /// <param name="model">The model.</param>
    /// <param name="corpus">The text, in contexts.</param>
    /// <param name="options">Which tokens count, where to save, how to run.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass; what the file has stays.</param>
    /// <exception cref="ArgumentException">There is no text, or a context is too short.</exception>
    /// <exception cref="InterventionException">The file was begun with something else.</exception>
    public static Lens Fit(
        DecoderModel model, Corpus corpus, JacobianLensOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(corpus);
        return Fit(model, corpus.Contexts, options ?? new JacobianLensOptions(), cancellationToken);
    }

    /// <summary>Fits a lens to prompts, of which the first run counts.</summary>
    /// <inheritdoc cref="Fit(DecoderModel, Corpus, JacobianLensOptions?, CancellationToken)"/>
    /// <param name="model">The model.</param>
    /// <param name="prompts">The prompts.</param>
    /// <param name="options">Which tokens count, where to save, how to run.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass; what the file has stays.</param>
    public static Lens Fit(
        DecoderModel model, IPromptSet prompts, JacobianLensOptions? options = null, CancellationToken cancellationToken = default) =>
        Fit(model, LensPrompts.TokensOf(prompts), options ?? new JacobianLensOptions(), cancellationToken);

    private static Lens Fit(
        DecoderModel model, IEnumerable<IReadOnlyList<long>> text, JacobianLensOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(model);
        (int layers, int width) = (model.Config.Layers, model.Config.DModel);
        IReadOnlyList<long>[] contexts =
        [
            .. LensPrompts.LongEnough(
                text, options.SkippedTokens + 2, $"the first {options.SkippedTokens} and the last one do not count"),
        ];
        LensFile file = new(options.Path, model, contexts, FormattableString.Invariant(
            $"a Jacobian lens, {options.SkippedTokens} tokens skipped, {options.Run.BatchSize} contexts at once"));
        using DisposeScope scope = NewDisposeScope();
        Dictionary<string, Tensor>? begun = file.Read();
        Tensor sum = begun?[Sum] ?? zeros([layers, width, width], ScalarType.Float64);
        int done = (int)(begun?[Done].item<long>() ?? 0);
        while (done < contexts.Length)
        {
            IReadOnlyList<long>[] batch = [.. contexts.Skip(done).Take(options.Run.BatchSize)];
            int from = done;
            Add(model, batch, options, sum, dimensions => options.Run.Progress?.Report(
                new RunProgress((from * width) + (batch.Length * dimensions), contexts.Length * width)), cancellationToken);
            done += batch.Length;
            if (options.Path is not null)
                Save(file, sum, done);
        }
        ScalarType type = model.Weights["embed.weight"].dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;
        return new Lens(LensKind.Jacobian, layers, width, sum.over(contexts.Length).to(type).to(model.Device), biases: null);
    }

    /// <summary>Adds each context's mean derivative over its source tokens: <c>[layer, from, to]</c>, as rows are multiplied.</summary>
    private static void Add(
        DecoderModel model, IReadOnlyList<long>[] contexts, JacobianLensOptions options, Tensor sum, Action<int> report,
        CancellationToken cancellationToken)
    {
        (int layers, int width) = (model.Config.Layers, model.Config.DModel);
        LensPrompts prompts = new(contexts);
        long bytes = (long)layers * contexts.Sum(context => context.Count) * width * sizeof(double);
        int atOnce = (int)Math.Clamp(options.Run.MemoryBudget / 4 / bytes, 1, 64);
        for (int first = 0; first < width; first += atOnce)
        {
            int[] dimensions = [.. Enumerable.Range(first, Math.Min(atOnce, width - first))];
            using DisposeScope scope = NewDisposeScope();
            using RunResult run = Slopes(model, dimensions, options.SkippedTokens)
                .Run(model, prompts, options.Run with { Progress = null, KeptRuns = [] }, cancellationToken);
            foreach (int dimension in dimensions)
            {
                // [layer, batch, d_model]: how the dimension of the last stream depends on each stream.
                Tensor slopes = run.Changed(Row(dimension)).Values.to(ScalarType.Float64).sum([1L]).cpu();
                sum.select(2, dimension).plus_(slopes);
            }
            report(dimensions[^1] + 1);
        }
    }

    /// <summary>A metric for each dimension of the last stream, summed over targets, and its gradient at all streams.</summary>
    private static InterventionGraph Slopes(DecoderModel model, int[] dimensions, int skipped)
    {
        string counted = FormattableString.Invariant($"[pos={skipped}..-2]");
        string last = FormattableString.Invariant($"blocks.{model.Config.Layers - 1}.resid_post{counted}");
        return new InterventionGraph
        {
            Name = nameof(JacobianLens),
            Metrics =
            [
                .. dimensions.Select(dimension => new MetricNode(
                    Target(dimension), [new Read.Of(last)], x => x[0].select(-1, dimension).sum([1L]))),
            ],
            Gradients =
            [
                .. dimensions.Select(dimension => new GradientNode(
                    Row(dimension), $"blocks.*.resid_post{counted}", [new Read.Gradient()], x => x[0].mean([1L]), Target(dimension))),
            ],
            IsUnanalyzed = true,
        };
    }

    private static string Target(int dimension) => FormattableString.Invariant($"Target{dimension}");

    private static string Row(int dimension) => FormattableString.Invariant($"Row{dimension}");

    private static void Save(LensFile file, Tensor sum, int done)
    {
        using Tensor count = tensor(new[] { (long)done });
        file.Write(new Dictionary<string, Tensor> { [Sum] = sum, [Done] = count });
    }
}
