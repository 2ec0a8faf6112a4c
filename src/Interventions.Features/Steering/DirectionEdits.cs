using Interventions.Models.Decoder;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>
/// Edits of values along directions, as functions of tensors and as writes of an intervention. Directions have any length but 0; of several
/// that are not orthogonal, what they span is edited (a QR decomposition), which one edit after the other would not do.
/// </summary>
public static class DirectionEdits
{
    /// <summary>What makes up the stream. A model may lack feed-forward blocks.</summary>
    private static readonly string[] s_stream = ["blocks.0.resid_pre", "blocks.*.attn_out", "blocks.*.mlp_out"];

    /// <summary>x − ((x − m)·Q) Qᵀ: the component in what the directions span becomes that of m.</summary>
    /// <param name="x"><c>[…, d]</c>.</param>
    /// <param name="directions"><c>[d]</c> or <c>[direction, d]</c>.</param>
    /// <param name="about">The point m, <c>[d]</c>, most often a mean over prompts: 0 is not privileged. Default: 0.</param>
    /// <returns><c>[…, d]</c>; the caller owns it.</returns>
    /// <exception cref="ArgumentException">Directions have another shape, or one is 0 or made of the others.</exception>
    public static Tensor Removed(Tensor x, Tensor directions, Tensor? about = null) =>
        Edited(x, directions, (x, basis) => x - Inside(about is null ? x : x - about.to(x.dtype), basis));

    /// <summary>x + ((x_src − x)·Q) Qᵀ: the component in what the directions span becomes that of other values.</summary>
    /// <param name="x"><c>[…, d]</c>.</param>
    /// <param name="source">The others, of the same shape.</param>
    /// <param name="directions"><c>[d]</c> or <c>[direction, d]</c>.</param>
    /// <returns><c>[…, d]</c>; the caller owns it.</returns>
    /// <exception cref="ArgumentException">Shapes differ, or a direction is 0 or made of the others.</exception>
    public static Tensor Patched(Tensor x, Tensor source, Tensor directions)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(source);
        return x.shape.AsSpan().SequenceEqual(source.shape)
            ? Edited(x, directions, (x, basis) => x.plus(Inside(source.to(x.dtype, x.device).sub(x), basis)))
            : throw new ArgumentException(
                $"The values are {Shapes.Describe(x)}, and those that are put in {Shapes.Describe(source)}.", nameof(source));
    }

    /// <summary>x + (c − x·u) u: the component along the direction becomes a number.</summary>
    /// <param name="x"><c>[…, d]</c>.</param>
    /// <param name="direction"><c>[d]</c>; u is it with norm 1.</param>
    /// <param name="value">The number c.</param>
    /// <returns><c>[…, d]</c>; the caller owns it.</returns>
    /// <exception cref="ArgumentException">The direction has another shape, or is 0.</exception>
    public static Tensor WithProjection(Tensor x, Tensor direction, double value) =>
        Edited(x, One(direction), (x, basis) => x - Inside(x, basis).sub(Unit(direction, x).times(value)));

    /// <summary>x − 2 (x·Q) Qᵀ: the component in what the directions span has the other sign.</summary>
    /// <param name="x"><c>[…, d]</c>.</param>
    /// <param name="directions"><c>[d]</c> or <c>[direction, d]</c>.</param>
    /// <returns><c>[…, d]</c>; the caller owns it.</returns>
    /// <exception cref="ArgumentException">Directions have another shape, or one is 0 or made of the others.</exception>
    public static Tensor Reflected(Tensor x, Tensor directions) =>
        Edited(x, directions, (x, basis) => x - Inside(x, basis).times(2));

    /// <summary>Writes <see cref="Removed"/> to the selected values.</summary>
    /// <param name="intervention">The intervention.</param>
    /// <param name="site">The site path; with a wildcard all these layers.</param>
    /// <param name="directions"><c>[d]</c> or <c>[direction, d]</c>; borrowed.</param>
    /// <param name="about">The point about which, <c>[d]</c>; borrowed. Default: 0.</param>
    /// <exception cref="ArgumentException">Directions have another shape, or one is 0 or made of the others.</exception>
    public static Intervention RemoveDirections(this Intervention intervention, string site, Tensor directions, Tensor? about = null)
    {
        Directions.Basis(directions).Dispose(); // refused here, not within the run
        return Write(intervention, site, x => Removed(x, directions, about), nameof(RemoveDirections));
    }

    /// <summary>Writes <see cref="Patched"/> to the selected values.</summary>
    /// <param name="intervention">The intervention.</param>
    /// <param name="site">The site path; with a wildcard all these layers.</param>
    /// <param name="directions"><c>[d]</c> or <c>[direction, d]</c>; borrowed.</param>
    /// <param name="from">The run whose values are put in.</param>
    /// <exception cref="ArgumentException">Directions have another shape, or one is 0 or made of the others.</exception>
    public static Intervention PatchDirections(this Intervention intervention, string site, Tensor directions, string from)
    {
        ArgumentNullException.ThrowIfNull(intervention);
        Directions.Basis(directions).Dispose();
        return intervention.Patch(
            site, (x, source) => Patched(x, source, directions), from, name: nameof(PatchDirections), pointwise: true);
    }

    /// <summary>Writes <see cref="WithProjection"/> to the selected values.</summary>
    /// <param name="intervention">The intervention.</param>
    /// <param name="site">The site path; with a wildcard all these layers.</param>
    /// <param name="direction"><c>[d]</c>; borrowed.</param>
    /// <param name="value">What the component along it becomes.</param>
    /// <exception cref="ArgumentException">The direction has another shape, or is 0.</exception>
    public static Intervention SetProjection(this Intervention intervention, string site, Tensor direction, double value)
    {
        Directions.Basis(One(direction)).Dispose();
        return Write(intervention, site, x => WithProjection(x, direction, value), nameof(SetProjection));
    }

    /// <summary>Writes <see cref="Reflected"/> to the selected values.</summary>
    /// <param name="intervention">The intervention.</param>
    /// <param name="site">The site path; with a wildcard all these layers.</param>
    /// <param name="directions"><c>[d]</c> or <c>[direction, d]</c>; borrowed.</param>
    /// <exception cref="ArgumentException">Directions have another shape, or one is 0 or made of the others.</exception>
    public static Intervention Reflect(this Intervention intervention, string site, Tensor directions)
    {
        Directions.Basis(directions).Dispose();
        return Write(intervention, site, x => Reflected(x, directions), nameof(Reflect));
    }

    /// <summary>
    /// Removes directions from everything that makes up the residual stream: its beginning, <c>blocks.0.resid_pre</c>, and <c>attn_out</c>
    /// and <c>mlp_out</c> of every layer. <see cref="DecoderModel.WithoutDirections"/> does the same to the weights.
    /// </summary>
    /// <param name="intervention">The intervention.</param>
    /// <param name="directions"><c>[d]</c> or <c>[direction, d]</c>; borrowed.</param>
    /// <exception cref="ArgumentException">Directions have another shape, or one is 0 or made of the others.</exception>
    public static Intervention RemoveFromStream(this Intervention intervention, Tensor directions)
    {
        ArgumentNullException.ThrowIfNull(intervention);
        return s_stream.Where(site => site.EndsWith(".resid_pre", StringComparison.Ordinal) || intervention.Model.Schema.Sites.Any(
                known => known.Path == site.Replace("*", "{layer}", StringComparison.Ordinal)))
            .Aggregate(intervention, (edited, site) => edited.RemoveDirections(site, directions));
    }

    private static Intervention Write(Intervention intervention, string site, Func<Tensor, Tensor> edit, string name)
    {
        ArgumentNullException.ThrowIfNull(intervention);
        return intervention.Patch(site, edit, name: name, pointwise: true);
    }

    private static Tensor Edited(Tensor x, Tensor directions, Func<Tensor, Tensor, Tensor> edit)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(directions);
        if (x.dim() == 0 || directions.dim() == 0 || x.shape[^1] != directions.shape[^1])
            throw new ArgumentException(
                $"The directions are {Shapes.Describe(directions)}, and the values {Shapes.Describe(x)}: their last axes differ.",
                nameof(directions));
        using DisposeScope scope = NewDisposeScope();
        return edit(x, Directions.Basis(directions).to(x.dtype, x.device)).MoveToOuterDisposeScope();
    }

    /// <summary>The component in what an orthonormal basis spans.</summary>
    private static Tensor Inside(Tensor x, Tensor basis) => x.matmul(basis.t()).matmul(basis);

    private static Tensor Unit(Tensor direction, Tensor like)
    {
        Tensor wide = direction.to(ScalarType.Float64);
        return wide.div(wide.norm()).to(like.dtype, like.device);
    }

    private static Tensor One(Tensor direction)
    {
        ArgumentNullException.ThrowIfNull(direction);
        return direction.dim() == 1 ? direction : throw new ArgumentException(
            $"The projection along one direction, [d], is set; this one is {Shapes.Describe(direction)}.", nameof(direction));
    }
}
