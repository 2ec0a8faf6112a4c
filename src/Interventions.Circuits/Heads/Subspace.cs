using Interventions.ModelGraphs;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits;

/// <summary>
/// The directions in which a site's values vary, the largest first: the mean, and the right singular vectors of what is left without it.
/// Queries, keys and values of a head often need few of them (Lieberum et al. 2023). It owns its tensors.
/// </summary>
public sealed class Subspace : IDisposable
{
    private Subspace(string? site, Tensor mean, Tensor basis, Tensor singularValues) =>
        (Site, Mean, Basis, SingularValues) = (site, mean, basis, singularValues);

    /// <summary>The site path whose values it was made of; null where they were given.</summary>
    public string? Site { get; }

    /// <summary>The mean of the values: <c>[width]</c>.</summary>
    public Tensor Mean { get; }

    /// <summary>The directions, a row each, orthonormal: <c>[direction, width]</c>.</summary>
    public Tensor Basis { get; }

    /// <summary>How far the values spread along each direction, descending: <c>[direction]</c>.</summary>
    public Tensor SingularValues { get; }

    /// <summary>The length of the values.</summary>
    public int Width => (int)Basis.shape[1];

    /// <summary>The subspace of given values.</summary>
    /// <param name="values">A value each row: <c>[…, width]</c>. Borrowed.</param>
    /// <exception cref="ArgumentException">There are no values.</exception>
    public static Subspace Of(Tensor values) => Of(values, site: null);

    /// <summary>The subspace of a site's values in the first run of some prompts: of all selected positions and heads together.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">The prompts, as many as the site is wide at least.</param>
    /// <param name="site">
    /// A path of one layer, such as <c>blocks.3.attn.q[head=1; pos=end]</c>, or <c>blocks.3.attn.k[kv_head=1; pos=A,B,C,D]</c>.
    /// </param>
    /// <param name="options">How to run.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <exception cref="InterventionException">The model has no such site, or the path names several layers.</exception>
    public static Subspace Of(
        HookedModel model, IPromptSet prompts, string site, RunOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompts);
        InterventionGraph graph = new()
        {
            Name = nameof(Subspace),
            Captures = [new CaptureNode("Values", site, [new Read.Value()], x => x[0])],
            IsUnanalyzed = true,
        };
        using DisposeScope scope = NewDisposeScope();
        using RunResult run = graph.Run(model, prompts, options, cancellationToken);
        SweptTensor kept = run.Changed("Values");
        if (kept.Axes[0] != "batch")
            throw new InterventionException($"{nameof(Subspace)}: '{site}' names several layers, and a subspace is that of one.");
        Tensor values = kept.Values.flatten(0, -2);
        if (kept.Mask is { } mask)
            values = values.index_select(0, mask.expand_as(kept.Values).select(-1, 0).flatten().nonzero().squeeze(1));
        return Of(values, site);
    }

    /// <summary>How much of the values' spread the first directions have, from 0 to 1.</summary>
    /// <param name="rank">How many directions.</param>
    /// <exception cref="ArgumentOutOfRangeException">There are fewer.</exception>
    public double ExplainedShare(int rank)
    {
        Check(rank);
        using DisposeScope scope = NewDisposeScope();
        Tensor squares = SingularValues.squared();
        double all = squares.sum().item<double>();
        return all == 0 ? 1 : squares.narrow(0, 0, rank).sum().item<double>() / all;
    }

    /// <summary>The projector onto the first directions: <c>[width, width]</c>; the caller owns it.</summary>
    /// <param name="rank">How many directions.</param>
    /// <exception cref="ArgumentOutOfRangeException">There are fewer.</exception>
    public Tensor Projector(int rank)
    {
        Check(rank);
        using DisposeScope scope = NewDisposeScope();
        Tensor first = Basis.narrow(0, 0, rank);
        return first.t().matmul(first).MoveToOuterDisposeScope();
    }

    /// <summary>Values with what they have along the first directions alone: μ + (x − μ) B Bᵀ.</summary>
    /// <param name="values"><c>[…, width]</c>.</param>
    /// <param name="rank">How many directions.</param>
    /// <returns>Their shape and type; the caller owns it.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There are fewer directions.</exception>
    public Tensor Project(Tensor values, int rank)
    {
        ArgumentNullException.ThrowIfNull(values);
        Check(rank);
        using DisposeScope scope = NewDisposeScope();
        Tensor mean = Mean.to(values.dtype).to(values.device), first = Basis.narrow(0, 0, rank).to(values.dtype).to(values.device);
        return values.sub(mean).matmul(first.t()).matmul(first).plus(mean).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Where classes of values lie, seen from <see cref="Mean"/> and along the first directions alone: the mean of (x − μ) B Bᵀ over each
    /// class, <c>[class, width]</c>; the caller owns it.
    /// </summary>
    /// <param name="values">A value each row: <c>[value, width]</c>.</param>
    /// <param name="classes">The class of each value, from 0 on; none is empty.</param>
    /// <param name="rank">How many directions.</param>
    /// <exception cref="ArgumentException">There are more or fewer classes than values, or a class has no value.</exception>
    public Tensor Centroids(Tensor values, IReadOnlyList<int> classes, int rank)
    {
        ArgumentNullException.ThrowIfNull(values);
        ArgumentNullException.ThrowIfNull(classes);
        if (values.shape is not [long count, _] || count != classes.Count || count == 0)
            throw new ArgumentException(
                $"There are {classes.Count} classes for values of shape [{string.Join(", ", values.shape)}]: one a row is needed.",
                nameof(classes));
        int[] missing = [.. Enumerable.Range(0, classes.Max() + 1).Except(classes)];
        if (missing.Length > 0 || classes.Min() < 0)
            throw new ArgumentException(
                $"Classes are numbered from 0 on, and none is empty; {(missing.Length > 0 ? missing[0] : classes.Min())} is not one.",
                nameof(classes));
        using DisposeScope scope = NewDisposeScope();
        Tensor projected = Project(values, rank).sub(Mean.to(values.dtype).to(values.device));
        return stack(
            Enumerable.Range(0, classes.Max() + 1).Select(one => projected.index_select(
                0, tensor(classes.Index().Where(of => of.Item == one).Select(of => (long)of.Index).ToArray(), device: values.device))
                .mean([0L])),
            0).MoveToOuterDisposeScope();
    }

    /// <summary>A write that leaves of a site's values what they have along so many directions as the sweep says.</summary>
    /// <param name="site">The site path that is written.</param>
    /// <param name="placeholder">The sweep of ranks.</param>
    internal WriteNode Projection(string site, string placeholder) => new(
        nameof(Subspace), site, [new Read.Value(), new Read.Swept(placeholder)], x => Project(x[0], (int)x[1].item<double>()))
    {
        Pointwise = true,
    };

    /// <summary>Frees the tensors.</summary>
    public void Dispose()
    {
        Mean.Dispose();
        Basis.Dispose();
        SingularValues.Dispose();
    }

    /// <summary>Where it is from, and how many directions have most of the spread.</summary>
    public override string ToString()
    {
        string shares = string.Join(", ", Enumerable.Range(1, Math.Min(4, Width))
            .Select(rank => FormattableString.Invariant($"{rank}: {ExplainedShare(rank):P1}")));
        return $"{(Site is null ? "" : $"{Site}: ")}{Width} directions; share of the spread by rank {shares}";
    }

    private static Subspace Of(Tensor values, string? site)
    {
        ArgumentNullException.ThrowIfNull(values);
        if (values.dim() < 2 || values.numel() == 0)
            throw new ArgumentException(
                $"The values are [{string.Join(", ", values.shape)}]; needed are some of them, [value, width].", nameof(values));
        using DisposeScope scope = NewDisposeScope();
        Tensor rows = values.flatten(0, -2).to(ScalarType.Float64), mean = rows.mean([0L]), centred = rows.sub(mean);
        // As many directions as the values are long, also where there are fewer values.
        if (rows.shape[0] < rows.shape[1])
            centred = cat([centred, zeros([rows.shape[1] - rows.shape[0], rows.shape[1]], centred.dtype, centred.device)], 0);
        (_, Tensor singular, Tensor directions) = linalg.svd(centred, fullMatrices: false);
        return new Subspace(
            site, mean.DetachFromDisposeScope(), directions.DetachFromDisposeScope(), singular.DetachFromDisposeScope());
    }

    private void Check(int rank)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rank);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(rank, Width);
    }
}
