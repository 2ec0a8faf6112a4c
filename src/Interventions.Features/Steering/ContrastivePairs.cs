using System.Collections.Immutable;
using System.Globalization;
using Interventions.ModelGraphs;
using Interventions.Sites;
using Interventions.Tables;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>
/// The values of positive and negative prompts at one site or at that of several layers, from which steering vectors are made. It owns the
/// values.
/// </summary>
public sealed class ContrastivePairs : IDisposable
{
    private readonly ImmutableArray<string> _sites;
    private readonly Tensor _positive, _negative; // [site, prompt, d], float64

    private ContrastivePairs(ImmutableArray<string> sites, Tensor positive, Tensor negative) =>
        (_sites, _positive, _negative) = (sites, positive, negative);

    /// <summary>The sites, one a layer.</summary>
    public IReadOnlyList<string> Sites => _sites;

    /// <summary>How many positive prompts there are.</summary>
    public int PositiveCount => (int)_positive.shape[1];

    /// <summary>How many negative prompts there are.</summary>
    public int NegativeCount => (int)_negative.shape[1];

    /// <summary>Runs both sets of prompts once, and keeps their values.</summary>
    /// <param name="model">The model.</param>
    /// <param name="positive">Prompts with what is steered towards. Their first run counts.</param>
    /// <param name="negative">
    /// Prompts without it, or with its opposite: pair by pair for <see cref="PrincipalDirection"/>, else any number of them. Of ordinary
    /// text, <see cref="DifferenceOfMeans"/> is a mean-centred vector (Jorgensen et al. 2023, arXiv:2312.03813).
    /// </param>
    /// <param name="sites">The site, or that of several layers: <c>blocks.*.resid_post</c>.</param>
    /// <param name="at">The position, or several, over which a prompt's mean is taken: <c>end</c>, <c>1..</c>.</param>
    /// <param name="negativeAt">The same in negative prompts. Default: as in the positive ones.</param>
    /// <param name="options">How to run.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <exception cref="InterventionException">The model has no such site, or the prompts no such position.</exception>
    public static ContrastivePairs Of(
        HookedModel model,
        IPromptSet positive,
        IPromptSet negative,
        string sites = "blocks.*.resid_post",
        string at = "end",
        string? negativeAt = null,
        RunOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(positive);
        ArgumentNullException.ThrowIfNull(negative);
        ArgumentNullException.ThrowIfNull(sites);
        if (SitePath.OrNull(sites) is { SelectorText.Length: > 0 })
            throw new ArgumentException($"'{sites}' has selectors: say the position in '{nameof(at)}'.", nameof(sites));
        (ImmutableArray<string> of, Tensor kept) = Means(model, positive, sites, at, options, cancellationToken);
        try
        {
            return new ContrastivePairs(of, kept, Means(model, negative, sites, negativeAt ?? at, options, cancellationToken).Values);
        }
        catch
        {
            kept.Dispose();
            throw;
        }
    }

    /// <summary>
    /// The mean over positive prompts less that over negative ones: with pairs, the mean of their differences (Rimsky et al. 2023,
    /// arXiv:2312.06681).
    /// </summary>
    /// <param name="layer">The layer. Default: the only site's.</param>
    /// <returns>A vector that the caller owns.</returns>
    /// <exception cref="ArgumentException">There is no such layer, or there are several and none is named.</exception>
    public SteeringVector DifferenceOfMeans(int? layer = null)
    {
        int place = Place(layer);
        using DisposeScope scope = NewDisposeScope();
        return Vector(place, _positive[place].mean([0L]) - _negative[place].mean([0L]), "difference of means");
    }

    /// <summary><see cref="DifferenceOfMeans"/> at every site.</summary>
    /// <returns>Vectors that the caller owns.</returns>
    public IReadOnlyList<SteeringVector> DifferencesOfMeans() => [.. _sites.Select(site => DifferenceOfMeans(LayerOf(site)))];

    /// <summary>
    /// The direction along which the differences of the pairs are longest, with norm 1: the first principal component of all values, each
    /// less the middle of its pair, so that the mean difference counts (Zou et al. 2023, arXiv:2310.01405). It points from the negative
    /// side to the positive one.
    /// </summary>
    /// <param name="layer">The layer. Default: the only site's.</param>
    /// <returns>A vector that the caller owns.</returns>
    /// <exception cref="ArgumentException">There is no such layer, or there are several and none is named.</exception>
    /// <exception cref="InvalidOperationException">There are not as many negative prompts as positive ones.</exception>
    public SteeringVector PrincipalDirection(int? layer = null)
    {
        if (PositiveCount != NegativeCount)
            throw new InvalidOperationException(
                $"There are {PositiveCount} positive and {NegativeCount} negative prompts, and differences are taken pair by pair.");
        int place = Place(layer);
        using DisposeScope scope = NewDisposeScope();
        Tensor differences = _positive[place] - _negative[place];
        (_, _, Tensor directions) = linalg.svd(differences, fullMatrices: false);
        Tensor direction = directions[0], sign = differences.matmul(direction).sum().sign();
        return Vector(place, sign.item<double>() < 0 ? -direction : direction, "principal direction");
    }

    /// <summary><see cref="PrincipalDirection"/> at every site.</summary>
    /// <returns>Vectors that the caller owns.</returns>
    /// <exception cref="InvalidOperationException">There are not as many negative prompts as positive ones.</exception>
    public IReadOnlyList<SteeringVector> PrincipalDirections() => [.. _sites.Select(site => PrincipalDirection(LayerOf(site)))];

    /// <summary>The mean over positive prompts, <c>[d]</c>, float64; the caller owns it.</summary>
    /// <param name="layer">The layer. Default: the only site's.</param>
    /// <exception cref="ArgumentException">There is no such layer, or there are several and none is named.</exception>
    public Tensor PositiveMean(int? layer = null) => MeanOf(_positive, layer);

    /// <summary>The mean over negative prompts, <c>[d]</c>, float64; the caller owns it.</summary>
    /// <param name="layer">The layer. Default: the only site's.</param>
    /// <exception cref="ArgumentException">There is no such layer, or there are several and none is named.</exception>
    public Tensor NegativeMean(int? layer = null) => MeanOf(_negative, layer);

    /// <summary>
    /// A row a site: the norms of the mean values and of the difference of means, their ratio, and how far the difference of means and the
    /// principal direction agree.
    /// </summary>
    public override string ToString()
    {
        bool arePairs = PositiveCount == NegativeCount;
        TextTable table = new(
            [new TextColumn("site"), .. new[] { "|positive|", "|negative|", "|difference|", arePairs ? "cosine to PCA" : "" }
                .Where(header => header.Length > 0).Select(header => new TextColumn(header, IsNumber: true))]);
        foreach (string site in _sites)
        {
            using DisposeScope scope = NewDisposeScope();
            int? layer = LayerOf(site);
            using SteeringVector difference = DifferenceOfMeans(layer);
            double[] norms = [PositiveMean(layer).norm().item<double>(), NegativeMean(layer).norm().item<double>(), difference.Norm];
            List<string> cells = [site, .. ShortNumbers.Format(norms)];
            if (arePairs)
            {
                using SteeringVector principal = PrincipalDirection(layer);
                double product = principal.Value.dot(difference.Value).item<double>();
                cells.Add((product / difference.Norm).ToString("0.00", CultureInfo.InvariantCulture));
            }
            table.Add([.. cells]);
        }
        return $"{TextTable.Count(PositiveCount, "positive prompt")}, {TextTable.Count(NegativeCount, "negative one")}\n{table.Print()}";
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _positive.Dispose();
        _negative.Dispose();
    }

    /// <summary>The mean of each prompt over its selected positions, <c>[site, prompt, d]</c>.</summary>
    private static (ImmutableArray<string> Sites, Tensor Values) Means(
        HookedModel model, IPromptSet prompts, string sites, string at, RunOptions? options, CancellationToken cancellationToken)
    {
        const string Name = "Values";
        string run = prompts.Vocabulary.Runs[0];
        using DisposeScope scope = NewDisposeScope();
        using RunResult result = Intervention.On(model, nameof(ContrastivePairs))
            .Capture(Name, SteeredPositions.Path(sites, at), x => x.to(ScalarType.Float64).mean([1L]))
            .Run(prompts, (options ?? new RunOptions()) with { KeptRuns = [run] }, cancellationToken);
        Tensor values = result.Run(run)[Name];
        bool isOne = SitePath.Parse(sites).Segments.All(segment => segment.Indices is null or { Selection.IsOne: true });
        if (values.dim() != (isOne ? 2 : 3))
            throw new ArgumentException($"'{sites}' has further axes than d_model, so it has no steering vector.", nameof(sites));
        ImmutableArray<string> names = isOne ? [sites] : [.. result.Layers(Name, run).Layers.Select(layer => AtLayer(sites, layer))];
        return (names, (isOne ? values.unsqueeze(0) : values).clone().DetachFromDisposeScope());
    }

    /// <summary>The site of one of the layers that a path names.</summary>
    private static string AtLayer(string sites, int layer) => string.Join('.', SitePath.Parse(sites).Segments.Select(segment =>
        segment.Name ?? layer.ToString(CultureInfo.InvariantCulture)));

    private static int? LayerOf(string site) => SitePath.Parse(site).Segments
        .Select(segment => segment.Indices?.Selection.Items[0].First).FirstOrDefault(index => index is not null);

    private SteeringVector Vector(int place, Tensor value, string name) => new(_sites[place], value, name);

    private Tensor MeanOf(Tensor values, int? layer)
    {
        int place = Place(layer);
        using DisposeScope scope = NewDisposeScope();
        return values[place].mean([0L]).MoveToOuterDisposeScope();
    }

    private int Place(int? layer)
    {
        int place = layer is null && _sites.Length == 1 ? 0 : _sites.ToList().FindIndex(site => LayerOf(site) == layer);
        return place >= 0 ? place : throw new ArgumentException(
            layer is null
                ? $"There are {_sites.Length} sites: say which layer."
                : $"Layer {layer} is not among {string.Join(", ", _sites)}.", nameof(layer));
    }
}
