using System.Collections.Immutable;
using System.ComponentModel;
using Interventions.Results;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions;

/// <summary>
/// A value kept at every point of a sweep: one axis a placeholder, or one for placeholders that go through listed points together, then the
/// kept value's own, <c>[layer, head, batch]</c> for a metric.
/// </summary>
public class SweptTensor : KeptTensor
{
    internal SweptTensor(KeptContent content)
        : base(content)
    {
    }

    /// <summary>The same value. Called by generated code.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    protected SweptTensor(SweptTensor values)
        : base((values ?? throw new ArgumentNullException(nameof(values))).Content)
    {
    }

    /// <summary>The placeholders, in order, each with the coordinates that it ran through.</summary>
    public ImmutableArray<SweepAxis> Sweep => Content.Sweep;

    /// <summary>
    /// The values less those of the unchanged run, prompt by prompt: the same axes. Of a value whose site is swept, less the unchanged one
    /// of the same point. Owned by the result.
    /// </summary>
    public SweptTensor Change => new(Content.Change());

    /// <summary>
    /// The mean over prompts: the same axes without <c>batch</c>. A place that only longer prompts have counts those alone. Owned by the
    /// result.
    /// </summary>
    public SweptTensor Mean() => new(Content.Mean());

    /// <summary>
    /// The value at one point, a new handle: each placeholder with its coordinate, in any order, <c>[("layer", 9), ("head", 6)]</c>.
    /// </summary>
    /// <exception cref="ArgumentException">A placeholder is missing, unknown or named twice.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The sweep did not run through a coordinate.</exception>
    public Tensor this[params ReadOnlySpan<(string Placeholder, SweepCoordinate Coordinate)> point]
    {
        get
        {
            string[] placeholders = [.. Sweep.SelectMany(axis => axis.Placeholders)];
            SweepCoordinate?[] coordinates = new SweepCoordinate?[placeholders.Length];
            foreach ((string placeholder, SweepCoordinate coordinate) in point)
            {
                int axis = Array.IndexOf(placeholders, placeholder);
                if (axis < 0 || coordinates[axis] is not null)
                {
                    string what = axis < 0 ? "The sweep has no" : "There are two values of";
                    throw new ArgumentException($"{what} '{placeholder}'; {Placeholders}.", nameof(point));
                }
                coordinates[axis] = coordinate;
            }
            return Array.IndexOf(coordinates, null) is int missing and >= 0
                ? throw new ArgumentException($"'{placeholders[missing]}' is missing; {Placeholders}.", nameof(point))
                : At([.. coordinates.Select(coordinate => coordinate!.Value)]);
        }
    }

    /// <summary>The value at one point, a new handle; one coordinate a placeholder, in order.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The sweep did not run through a coordinate.</exception>
    public Tensor At(params ReadOnlySpan<SweepCoordinate> coordinates)
    {
        TensorIndex[] index = Places(coordinates);
        return index.Length == 0 ? Values.alias() : Values[index];
    }

    /// <summary>The stacked value at one point: its tensor is a new handle. Called by generated code.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    protected LayerStack StackAt(params ReadOnlySpan<SweepCoordinate> coordinates)
    {
        int sweep = Sweep.Length;
        return new LayerStack(Content with
        {
            Key = $"{Content.Key} at {string.Join(',', coordinates.ToArray())}",
            Values = At(coordinates),
            Axes = Content.Axes.RemoveRange(0, sweep),
            Sweep = [],
            Baseline = null,
        });
    }

    /// <summary>
    /// Every point with the mean of its values, padding left out, and how far that lies from the unchanged base run; in the sweep's order.
    /// </summary>
    public SweptPoints Points()
    {
        int[] axes = [.. Enumerable.Range(0, Sweep.Length)];
        double[] means = Content.Means(Values, axes), baselines = Baselines(axes);
        SweptPoint[] points = new SweptPoint[means.Length];
        int[] at = new int[axes.Length];
        for (int i = 0; i < points.Length; i++)
        {
            SweepPoint point = new(Sweep, [.. at.Select((index, axis) => Sweep[axis].Coordinates[index])]);
            points[i] = new SweptPoint(point, means[i], means[i] - baselines[baselines.Length == 1 ? 0 : i]);
            for (int axis = at.Length - 1; axis >= 0 && ++at[axis] == Sweep[axis].Coordinates.Length; axis--)
                at[axis] = 0;
        }
        return new SweptPoints([.. points]);
    }

    /// <summary>The points whose mean moved furthest from the unchanged base run, furthest first.</summary>
    public SweptPoints Top(int count) => new([.. Points().OrderByDescending(point => Math.Abs(point.Change)).Take(count)]);

    private protected override string Print() => KeptTable.OfSweep(this);

    /// <summary>
    /// A value that depends on the point (a capture whose path is swept) has a baseline at every point; any other has one, which is no
    /// number where nothing was kept of the base run.
    /// </summary>
    private double[] Baselines(int[] axes) => Content.Baseline is not { } baseline ? [Content.UnkeptBase is null ? 0 : double.NaN]
        : baseline.shape.Length == Values.shape.Length ? (Content with { Values = baseline }).Means(baseline, axes)
        : (Content with { Values = baseline, Axes = Content.Axes.RemoveRange(0, axes.Length) }).Means(baseline);

    private string Placeholders => Sweep.IsEmpty
        ? "nothing was swept, ask for Values"
        : $"its placeholders are {string.Join(", ", Sweep.SelectMany(axis => axis.Placeholders))}";

    private TensorIndex[] Places(ReadOnlySpan<SweepCoordinate> coordinates)
    {
        ImmutableArray<SweepCoordinate> along = SweepAxis.Along(Sweep, coordinates);
        TensorIndex[] index = new TensorIndex[along.Length];
        for (int axis = 0; axis < along.Length; axis++)
        {
            int at = Sweep[axis].IndexOf(along[axis]);
            if (at < 0)
                throw new ArgumentOutOfRangeException(
                    nameof(coordinates),
                    $"The sweep did not run through {Sweep[axis].Name} {along[axis]}, " +
                    $"only through {Describe(Sweep[axis].Coordinates)}.");
            index[axis] = TensorIndex.Single(at);
        }
        return index;
    }

    /// <summary>Coordinates in words: a run of numbers by its ends.</summary>
    internal static string Describe(ImmutableArray<SweepCoordinate> axis) =>
        axis.Length > 2
        && axis.All(value => value.Name is null)
        && axis.Zip(axis.Skip(1)).All(pair => pair.Second.Number - pair.First.Number == 1)
            ? $"{axis[0]} to {axis[^1]}"
            : string.Join(", ", axis);
}

/// <summary>A value kept at every point of a sweep, with the indexer that generated code adds.</summary>
/// <typeparam name="TOwn">The generated type.</typeparam>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract class SweptTensor<TOwn> : SweptTensor
    where TOwn : SweptTensor<TOwn>
{
    private readonly Func<SweptTensor, TOwn> _create;

    /// <summary>The same value. Called by generated code.</summary>
    /// <param name="values">The value.</param>
    /// <param name="create">Makes the generated type of another value of the same sweep.</param>
    protected SweptTensor(SweptTensor values, Func<SweptTensor, TOwn> create)
        : base(values) => _create = create;

    /// <inheritdoc cref="SweptTensor.Change"/>
    public new TOwn Change => _create(base.Change);

    /// <inheritdoc cref="SweptTensor.Mean"/>
    public new TOwn Mean() => _create(base.Mean());
}
