using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>
/// Values without what they have along directions, or with what other values have there. Several directions are taken together: of those
/// that are not at right angles, one after the other would leave a part.
/// </summary>
public static class ProbeEdits
{
    /// <summary>Directions of norm 1 at right angles that span what some directions span.</summary>
    /// <param name="directions"><c>[d]</c> or <c>[direction, d]</c>, of any length; none depends on the others.</param>
    /// <returns><c>[direction, d]</c>; the caller owns it.</returns>
    /// <exception cref="ArgumentException">A direction is 0, or depends on the others.</exception>
    public static Tensor Basis(Tensor directions)
    {
        ArgumentNullException.ThrowIfNull(directions);
        if (directions.dim() is not (1 or 2))
            throw new ArgumentException($"Directions are [d] or [direction, d], not {Shapes.Describe(directions)}.", nameof(directions));
        using DisposeScope scope = NewDisposeScope();
        Tensor rows = directions.dim() == 1 ? directions.unsqueeze(0) : directions;
        Tensor norms = rows.norm(-1, keepdim: true);
        (Tensor q, Tensor r) = linalg.qr(rows.div(norms.at_least(1e-300)).t());
        if (rows.shape[0] > rows.shape[1] || r.diagonal().abs().min().to(ScalarType.Float64).cpu().item<double>() < 1e-6)
            throw new ArgumentException("A direction is 0, or depends on the others: leave it out.", nameof(directions));
        return q.t().MoveToOuterDisposeScope();
    }

    /// <summary>x − ((x − m) Q) Qᵀ: the values lie where m lies along the directions, and are as they were otherwise.</summary>
    /// <param name="x"><c>[…, d]</c>.</param>
    /// <param name="directions"><c>[d]</c> or <c>[direction, d]</c>.</param>
    /// <param name="mean">
    /// m, <c>[d]</c>: best the values' mean, since 0 is not privileged. Default: 0.
    /// </param>
    /// <returns>The values' shape and type; the caller owns it.</returns>
    /// <exception cref="ArgumentException">The widths differ, or a direction depends on the others.</exception>
    public static Tensor Ablate(Tensor x, Tensor directions, Tensor? mean = null)
    {
        ArgumentNullException.ThrowIfNull(x);
        using DisposeScope scope = NewDisposeScope();
        Tensor centred = mean is null ? x : x.sub(mean.to(x.dtype).to(x.device));
        return x.sub(Along(centred, directions)).MoveToOuterDisposeScope();
    }

    /// <summary>x + ((x_src − x) Q) Qᵀ: along the directions the values are those of others.</summary>
    /// <param name="x"><c>[…, d]</c>.</param>
    /// <param name="source">The others, of the same shape.</param>
    /// <param name="directions"><c>[d]</c> or <c>[direction, d]</c>.</param>
    /// <returns>The values' shape and type; the caller owns it.</returns>
    /// <exception cref="ArgumentException">The shapes differ, or a direction depends on the others.</exception>
    public static Tensor Patch(Tensor x, Tensor source, Tensor directions)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(source);
        if (!x.shape.AsSpan().SequenceEqual(source.shape))
            throw new ArgumentException(
                $"The values are {Shapes.Describe(x)}, and those that are put in {Shapes.Describe(source)}.", nameof(source));
        using DisposeScope scope = NewDisposeScope();
        return x.plus(Along(source.sub(x), directions)).MoveToOuterDisposeScope();
    }

    /// <summary>The ablation as an intervention, to include in others.</summary>
    /// <param name="site">The path that is written.</param>
    /// <param name="directions"><c>[d]</c> or <c>[direction, d]</c>; borrowed.</param>
    /// <param name="mean">Where the values lie then, <c>[d]</c>; borrowed. Default: 0.</param>
    /// <exception cref="ArgumentException">A direction depends on the others.</exception>
    public static InterventionGraph Ablation(string site, Tensor directions, Tensor? mean = null)
    {
        Basis(directions).Dispose();
        return Write(nameof(Ablation), site, [new Read.Value()], x => Ablate(x[0], directions, mean));
    }

    /// <summary>The patch as an intervention, to include in others.</summary>
    /// <param name="site">The path that is written.</param>
    /// <param name="directions"><c>[d]</c> or <c>[direction, d]</c>; borrowed.</param>
    /// <param name="from">The run whose values are put in.</param>
    /// <exception cref="ArgumentException">A direction depends on the others.</exception>
    public static InterventionGraph Patching(string site, Tensor directions, string from)
    {
        Basis(directions).Dispose();
        return Write(nameof(Patching), site, [new Read.Value(), new Read.From(from)], x => Patch(x[0], x[1], directions));
    }

    private static InterventionGraph Write(string name, string site, Read[] reads, MethodBody body) => new()
    {
        Name = name,
        Writes = [new WriteNode(name, site, [.. reads], body) { Pointwise = true }],
    };

    private static Tensor Along(Tensor x, Tensor directions)
    {
        Tensor basis = Basis(directions).to(x.dtype).to(x.device);
        return x.shape.Length > 0 && x.shape[^1] == basis.shape[1] ? x.matmul(basis.t()).matmul(basis) : throw new ArgumentException(
            $"Directions of width {basis.shape[1]} do not lie among values {Shapes.Describe(x)}.", nameof(directions));
    }
}
