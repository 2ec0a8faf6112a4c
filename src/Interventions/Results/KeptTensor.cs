using Interventions.Results;
using TorchSharp;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Interventions;

/// <summary>
/// A kept value whose axes have names. It stands wherever a tensor is expected: then it is <see cref="Values"/>, which the result owns, so
/// that nobody disposes it. What a tensor has beyond the members here is asked of <see cref="Values"/>.
/// </summary>
public abstract class KeptTensor
{
    private protected KeptTensor(KeptContent content) => Content = content;

    /// <summary>All values; owned by the result.</summary>
    public Tensor Values => Content.Values;

    /// <summary>
    /// The names of the axes, outermost first: <c>layer, head, batch</c>. <c>batch</c> counts prompts. Behind it stand the site's axes
    /// where the method kept them, and <c>axis1</c> and so on where no axis of the site has that length, or several have. An axis that is
    /// called like one of the sweep is <c>kept_layer</c>.
    /// </summary>
    public IReadOnlyList<string> Axes => [.. Content.Axes.Select(axis => axis.Name)];

    /// <summary>
    /// The mask of the real entries of a captured value or gradient; the other entries pad shorter prompts and are zero. Bool, <c>[batch,
    /// …]</c>, of length 1 along every axis that is as long in all prompts, so that it broadcasts to the values; <see langword="null"/>
    /// for a metric. Owned by the result.
    /// </summary>
    public Tensor? Mask => Content.Mask;

    /// <summary>The values' lengths, in the order of <see cref="Axes"/>.</summary>
    public long[] shape => Values.shape;

    /// <summary>The values' element type.</summary>
    public ScalarType dtype => Values.dtype;

    /// <summary>The values' device.</summary>
    public Device device => Values.device;

    internal KeptContent Content { get; }

    /// <summary>The values; owned by the result.</summary>
    public static implicit operator Tensor(KeptTensor kept) => (kept ?? throw new ArgumentNullException(nameof(kept))).Values;

    /// <inheritdoc cref="Tensor.sum(ScalarType?)"/>
    public Tensor sum() => Values.sum();

    /// <inheritdoc cref="Tensor.sum(long[], bool, ScalarType?)"/>
    public Tensor sum(params long[] dim) => Values.sum(dim);

    /// <inheritdoc cref="Tensor.mean()"/>
    public Tensor mean() => Values.mean();

    /// <inheritdoc cref="Tensor.mean(long[], bool, ScalarType?)"/>
    public Tensor mean(params long[] dimensions) => Values.mean(dimensions);

    /// <inheritdoc cref="Tensor.max()"/>
    public Tensor max() => Values.max();

    /// <inheritdoc cref="Tensor.min()"/>
    public Tensor min() => Values.min();

    /// <inheritdoc cref="Tensor.abs()"/>
    public Tensor abs() => Values.abs();

    /// <summary>The values with some axes as one.</summary>
    public Tensor flatten(long start_dim = 0, long end_dim = -1) => Values.flatten(start_dim, end_dim);

    /// <summary>The values without an axis of length 1.</summary>
    public Tensor squeeze(long dim) => Values.squeeze(dim);

    /// <summary>The values at an index of an axis, counted from 0 whatever stands there.</summary>
    public Tensor select(long dim, long index) => Values.select(dim, index);

    /// <summary>The product of the values with a matrix or a vector.</summary>
    public Tensor matmul(Tensor target) => Values.matmul(target);

    /// <summary>A copy, which the caller owns.</summary>
    public Tensor clone() => Values.clone();

    /// <summary>The values on the CPU.</summary>
    public Tensor cpu() => Values.cpu();

    /// <summary>The values as another type.</summary>
    public Tensor to(ScalarType type) => Values.to(type);

    /// <summary>The only value.</summary>
    public T item<T>()
        where T : unmanaged => Values.item<T>();

    /// <summary>The numbers, the last axis fastest.</summary>
    public TensorAccessor<T> data<T>()
        where T : unmanaged => Values.data<T>();

    /// <summary>Element by element.</summary>
    public static Tensor operator -(KeptTensor value) => ((Tensor)value).neg();

    /// <summary>Element by element.</summary>
    public static Tensor operator +(KeptTensor left, KeptTensor right) => ((Tensor)left).plus(right);

    /// <summary>Element by element.</summary>
    public static Tensor operator +(KeptTensor left, Tensor right) => ((Tensor)left).plus(right);

    /// <summary>Element by element.</summary>
    public static Tensor operator +(Tensor left, KeptTensor right) => left.plus(right);

    /// <summary>Every value and a number.</summary>
    public static Tensor operator +(KeptTensor left, double right) => ((Tensor)left).plus(right);

    /// <summary>Element by element.</summary>
    public static Tensor operator -(KeptTensor left, KeptTensor right) => ((Tensor)left).sub(right);

    /// <summary>Element by element.</summary>
    public static Tensor operator -(KeptTensor left, Tensor right) => ((Tensor)left).sub(right);

    /// <summary>Element by element.</summary>
    public static Tensor operator -(Tensor left, KeptTensor right) => left.sub(right);

    /// <summary>Every value less a number.</summary>
    public static Tensor operator -(KeptTensor left, double right) => ((Tensor)left).plus(-right);

    /// <summary>Element by element.</summary>
    public static Tensor operator *(KeptTensor left, KeptTensor right) => ((Tensor)left).mul(right);

    /// <summary>Element by element.</summary>
    public static Tensor operator *(KeptTensor left, Tensor right) => ((Tensor)left).mul(right);

    /// <summary>Element by element.</summary>
    public static Tensor operator *(Tensor left, KeptTensor right) => left.mul(right);

    /// <summary>Every value times a number.</summary>
    public static Tensor operator *(KeptTensor left, double right) => ((Tensor)left).times(right);

    /// <summary>Element by element.</summary>
    public static Tensor operator /(KeptTensor left, KeptTensor right) => ((Tensor)left).div(right);

    /// <summary>Element by element.</summary>
    public static Tensor operator /(KeptTensor left, Tensor right) => ((Tensor)left).div(right);

    /// <summary>Element by element.</summary>
    public static Tensor operator /(Tensor left, KeptTensor right) => left.div(right);

    /// <summary>Every value by a number.</summary>
    public static Tensor operator /(KeptTensor left, double right) => ((Tensor)left).over(right);

    /// <summary>The values as a table of at most 80 columns: means over everything but the axes that it names.</summary>
    public override string ToString() => Content.Owner.IsDisposed ? $"{Content.Name} of a result that is disposed" : Print();

    private protected abstract string Print();
}

/// <summary>
/// A value that was kept at several layers, <c>[layer, batch, …]</c>: of a path with a wildcard, a range or a list of layers. Layers are
/// asked for by number, <c>run.Clean.Residual[layer: 19]</c>, also where the path names only some of them.
/// </summary>
public sealed class LayerStack : KeptTensor
{
    internal LayerStack(KeptContent content)
        : base(content)
    {
    }

    /// <summary>The numbers of the layers, in the order of the first axis.</summary>
    public IReadOnlyList<int> Layers => Content.Layers;

    /// <summary>The value at a layer, <c>[batch, …]</c>: a new handle.</summary>
    /// <param name="layer">The layer's number in the model.</param>
    /// <exception cref="ArgumentOutOfRangeException">It was not kept at that layer.</exception>
    public Tensor this[int layer] => Values.select(0, Place(layer));

    /// <summary>A part of the value at a layer: a new handle.</summary>
    /// <param name="layer">The layer's number in the model.</param>
    /// <param name="rest">Indices of the axes behind, that of prompts first.</param>
    /// <exception cref="ArgumentOutOfRangeException">It was not kept at that layer.</exception>
    public Tensor this[int layer, params TensorIndex[] rest] => Values[[TensorIndex.Single(Place(layer)), .. rest]];

    /// <summary>The mean over prompts, <c>[layer, …]</c>; padding is left out. Owned by the result.</summary>
    public LayerStack Mean() => new(Content.Mean());

    private protected override string Print() => KeptTable.OfStack(Content);

    private int Place(int layer)
    {
        int place = Content.Layers.IndexOf(layer);
        return place >= 0
            ? place
            : throw new ArgumentOutOfRangeException(
                nameof(layer), $"'{Content.Name}' was not kept at layer {layer}, only at {All()}.");

        string All() => SweptTensor.Describe([.. Layers.Select(one => (SweepCoordinate)one)]);
    }
}
