using System.Collections.Immutable;
using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions;

/// <summary>A value kept at every point of a sweep.</summary>
public sealed class SweptTensor
{
    private readonly Tensor _baseline;

    internal SweptTensor(ImmutableArray<SweepAxis> axes, Tensor values, Tensor? mask, Tensor baseline)
    {
        Axes = axes;
        Values = values;
        Mask = mask;
        _baseline = baseline;
    }

    /// <summary>The placeholders, in order, each with the coordinates that it ran through.</summary>
    public ImmutableArray<SweepAxis> Axes { get; }

    /// <summary>
    /// All values: one axis a placeholder, then the kept value's own (<c>[layer, head, batch]</c> for a metric); owned by the result.
    /// </summary>
    public Tensor Values { get; }

    /// <summary>
    /// The mask of the real entries of a captured value or gradient; the other entries pad shorter prompts and are zero. Bool, <c>[batch,
    /// …]</c>, of length 1 along every axis that is as long in all prompts, so that it broadcasts to the values; <see langword="null"/> for
    /// a metric. Owned by the result.
    /// </summary>
    public Tensor? Mask { get; }

    /// <summary>
    /// The value at one point, a new handle: each placeholder with its coordinate, in any order, <c>[("layer", 9), ("head", 6)]</c>.
    /// </summary>
    /// <exception cref="ArgumentException">A placeholder is missing, unknown or named twice.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The sweep did not run through a coordinate.</exception>
    public Tensor this[params ReadOnlySpan<(string Placeholder, SweepCoordinate Coordinate)> point]
    {
        get
        {
            SweepCoordinate?[] coordinates = new SweepCoordinate?[Axes.Length];
            foreach ((string placeholder, SweepCoordinate coordinate) in point)
            {
                int axis = Axes.Select(axis => axis.Name).ToList().IndexOf(placeholder);
                if (axis < 0 || coordinates[axis] is not null)
                {
                    string what = axis < 0 ? "The sweep has no" : "There are two values of";
                    throw new ArgumentException($"{what} '{placeholder}'; {Placeholders}.", nameof(point));
                }
                coordinates[axis] = coordinate;
            }
            return Array.IndexOf(coordinates, null) is int missing and >= 0
                ? throw new ArgumentException($"'{Axes[missing].Name}' is missing; {Placeholders}.", nameof(point))
                : At([.. coordinates.Select(coordinate => coordinate!.Value)]);
        }
    }

    /// <summary>The value at one point, a new handle; one coordinate a placeholder, in order.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The sweep did not run through a coordinate.</exception>
    public Tensor At(params ReadOnlySpan<SweepCoordinate> coordinates)
    {
        if (coordinates.Length != Axes.Length)
            throw new ArgumentException(
                $"The sweep has {Axes.Length} placeholders ({string.Join(", ", Axes.Select(axis => axis.Name))}); " +
                $"{coordinates.Length} coordinates were given.");
        TensorIndex[] index = new TensorIndex[coordinates.Length];
        for (int axis = 0; axis < coordinates.Length; axis++)
        {
            int at = IndexOf(Axes[axis].Coordinates, coordinates[axis]);
            if (at < 0)
                throw new ArgumentOutOfRangeException(
                    nameof(coordinates),
                    $"The sweep did not run through {Axes[axis].Name} {coordinates[axis]}, " +
                    $"only through {Describe(Axes[axis].Coordinates)}.");
            index[axis] = TensorIndex.Single(at);
        }
        return index.Length == 0 ? Values.alias() : Values[index];
    }

    /// <summary>
    /// Every point with the mean of its values, padding left out, and how far that lies from the unchanged base run; in the sweep's order.
    /// </summary>
    public IReadOnlyList<SweptPoint> Points()
    {
        using DisposeScope scope = NewDisposeScope();
        int count = Axes.Aggregate(1, (product, axis) => product * axis.Coordinates.Length);
        double[] means = Means(Values, count);
        // A value that depends on the point (a capture whose path is swept) has a baseline at every point.
        int baselineCount = _baseline.shape.Length == Values.shape.Length ? count : 1;
        double[] baselines = Means(_baseline, baselineCount);
        SweptPoint[] points = new SweptPoint[count];
        int[] at = new int[Axes.Length];
        for (int i = 0; i < count; i++)
        {
            SweepPoint point = new(Axes, [.. at.Select((index, axis) => Axes[axis].Coordinates[index])]);
            points[i] = new SweptPoint(point, means[i], means[i] - baselines[baselineCount == 1 ? 0 : i]);
            for (int axis = at.Length - 1; axis >= 0 && ++at[axis] == Axes[axis].Coordinates.Length; axis--)
                at[axis] = 0;
        }
        return points;
    }

    /// <summary>The points whose mean moved furthest from the unchanged base run, furthest first.</summary>
    public IReadOnlyList<SweptPoint> Top(int count) => [.. Points().OrderByDescending(point => Math.Abs(point.Change)).Take(count)];

    private string Placeholders => Axes.IsEmpty
        ? "nothing was swept, ask for Values"
        : $"its placeholders are {string.Join(", ", Axes.Select(axis => axis.Name))}";

    /// <summary>Means without padding: its zeros add nothing to the sum, and the count leaves them out.</summary>
    private double[] Means(Tensor values, int count)
    {
        long[] shape = Values.shape[Axes.Length..];
        long real = Mask is null ? shape.Aggregate(1L, (product, size) => product * size) : Mask.expand(shape).sum().item<long>();
        return [.. values.reshape(count, -1).to(ScalarType.Float64).sum([1L]).over(real).cpu().data<double>()];
    }

    /// <summary>The index of a coordinate, or −1. An axis of positions that mixes names and indices is indexed by text.</summary>
    private static int IndexOf(ImmutableArray<SweepCoordinate> axis, SweepCoordinate wanted)
    {
        for (int i = 0; i < axis.Length; i++)
            if (axis[i] == wanted || (wanted.Name is string text && axis[i].ToString() == text))
                return i;
        return -1;
    }

    private static string Describe(ImmutableArray<SweepCoordinate> axis) =>
        axis.Length > 2
        && axis.All(value => value.Name is null)
        && axis.Zip(axis.Skip(1)).All(pair => pair.Second.Number - pair.First.Number == 1)
            ? $"{axis[0]} to {axis[^1]}"
            : string.Join(", ", axis);
}

/// <summary>A point of a sweep, and the number there.</summary>
/// <param name="Point">Where the placeholders stand.</param>
/// <param name="Value">The mean of the values kept there, over prompts and all other axes.</param>
/// <param name="Change">
/// That mean, less the mean in the unchanged base run (of the same place, where the sweep decides what is kept).
/// </param>
public sealed record SweptPoint(SweepPoint Point, double Value, double Change)
{
    /// <summary>The index of one placeholder.</summary>
    /// <exception cref="ArgumentException">There is no such placeholder.</exception>
    /// <exception cref="InvalidOperationException">
    /// It goes through names, or through numbers that are no indices: ask for its <see cref="Coordinate"/>.
    /// </exception>
    public int this[string name] => Coordinate(name) is { Name: null, Number: double number } && number == (int)number
        ? (int)number
        : throw new InvalidOperationException($"'{name}' is {Coordinate(name)} here, which is no index: ask for Coordinate(\"{name}\").");

    /// <summary>The coordinate of one placeholder: an index, a strength, or a name.</summary>
    /// <exception cref="ArgumentException">There is no such placeholder.</exception>
    public SweepCoordinate Coordinate(string name) => Point[name];

    /// <inheritdoc/>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Point}: {Value:G6} ({Change:+0.####;-0.####;0})");
}
