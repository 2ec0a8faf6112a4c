using System.Collections.Immutable;
using System.Globalization;
using Interventions.Results;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions;

/// <summary>A value kept at every point of a sweep.</summary>
public sealed class SweptTensor
{
    private readonly Tensor _baseline;

    internal SweptTensor(ImmutableArray<ResultAxis> sweep, Tensor values, Tensor? mask, Tensor baseline)
    {
        Names = [.. sweep.Select(axis => axis.Name)];
        Coordinates = [.. sweep.Select(axis => axis.Coordinates)];
        Values = values;
        Mask = mask;
        _baseline = baseline;
    }

    /// <summary>The placeholders, in order.</summary>
    public ImmutableArray<string> Names { get; }

    /// <summary>The coordinates that each placeholder ran through: indices, strengths, or names of positions or runs.</summary>
    public ImmutableArray<ImmutableArray<SweepCoordinate>> Coordinates { get; }

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

    /// <summary>The value at one point, a new handle; one coordinate a placeholder, in order.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The sweep did not run through a coordinate.</exception>
    public Tensor At(params ReadOnlySpan<SweepCoordinate> coordinates)
    {
        if (coordinates.Length != Names.Length)
        {
            throw new ArgumentException(
                $"The sweep has {Names.Length} placeholders ({string.Join(", ", Names)}); {coordinates.Length} coordinates were given.");
        }
        TensorIndex[] index = new TensorIndex[coordinates.Length];
        for (int axis = 0; axis < coordinates.Length; axis++)
        {
            int at = IndexOf(Coordinates[axis], coordinates[axis]);
            if (at < 0)
            {
                throw new ArgumentOutOfRangeException(
                    nameof(coordinates),
                    $"The sweep did not run through {Names[axis]} {coordinates[axis]}, only through {Describe(Coordinates[axis])}.");
            }
            index[axis] = TensorIndex.Single(at);
        }
        return index.Length == 0 ? Values.alias() : Values[index];
    }

    /// <summary>
    /// Every point of the sweep, in its order, with the mean of its values without padding, and the distance of that mean from the
    /// unchanged base run.
    /// </summary>
    public IReadOnlyList<SweptPoint> Points()
    {
        using DisposeScope scope = NewDisposeScope();
        int count = Coordinates.Aggregate(1, (product, axis) => product * axis.Length);
        double[] means = Means(Values, count);
        // A capture whose path is swept has a baseline at every point.
        int baselineCount = _baseline.shape.Length == Values.shape.Length ? count : 1;
        double[] baselines = Means(_baseline, baselineCount);
        SweptPoint[] points = new SweptPoint[count];
        int[] at = new int[Coordinates.Length];
        for (int i = 0; i < count; i++)
        {
            ImmutableArray<SweepCoordinate> coordinates = [.. at.Select((index, axis) => Coordinates[axis][index])];
            points[i] = new SweptPoint(Names, coordinates, means[i], means[i] - baselines[baselineCount == 1 ? 0 : i]);
            for (int axis = at.Length - 1; axis >= 0 && ++at[axis] == Coordinates[axis].Length; axis--)
                at[axis] = 0;
        }
        return points;
    }

    /// <summary>The points whose mean moved furthest from the unchanged base run, furthest first.</summary>
    public IReadOnlyList<SweptPoint> Top(int count) => [.. Points().OrderByDescending(point => Math.Abs(point.Change)).Take(count)];

    /// <summary>Means without padding: its zeros add nothing to the sum, and the count leaves them out.</summary>
    private double[] Means(Tensor values, int count)
    {
        long[] shape = Values.shape[Names.Length..];
        long real = Mask is null ? shape.Aggregate(1L, (product, size) => product * size) : Mask.expand(shape).sum().item<long>();
        return [.. (values.reshape(count, -1).to(ScalarType.Float64).sum([1L]).over(real)).cpu().data<double>()];
    }

    /// <summary>The index of a coordinate, or −1. An axis of positions that mixes names and indices is indexed by text.</summary>
    private static int IndexOf(ImmutableArray<SweepCoordinate> axis, SweepCoordinate wanted)
    {
        for (int i = 0; i < axis.Length; i++)
            if (axis[i] == wanted || (wanted.Name is string text && axis[i].ToString() == text))
                return i;
        return -1;
    }

    private static string Describe(ImmutableArray<SweepCoordinate> axis)
    {
        bool isRange = axis.Length > 2 && axis.All(value => value.Name is null)
            && axis.Zip(axis.Skip(1)).All(pair => pair.Second.Number - pair.First.Number == 1);
        return isRange ? $"{axis[0]} to {axis[^1]}" : string.Join(", ", axis);
    }
}

/// <summary>One point of a sweep.</summary>
/// <param name="Names">The placeholders.</param>
/// <param name="Coordinates">One coordinate a placeholder: an index, a strength, or a name.</param>
/// <param name="Value">The mean of the values kept there, over prompts and all other axes.</param>
/// <param name="Change">
/// That mean, less the mean in the unchanged base run (of the same site, where the point of the sweep decides which site is kept).
/// </param>
public sealed record SweptPoint(ImmutableArray<string> Names, ImmutableArray<SweepCoordinate> Coordinates, double Value, double Change)
{
    /// <summary>The index of one placeholder.</summary>
    /// <exception cref="ArgumentException">There is no such placeholder.</exception>
    /// <exception cref="InvalidOperationException">
    /// It goes through names, or through numbers that are no indices: ask for its <see cref="Coordinate"/>.
    /// </exception>
    public int this[string name] => Coordinate(name).Number is double number && number == (int)number
        ? (int)number
        : throw new InvalidOperationException($"'{name}' is {Coordinate(name)} here, which is no index: ask for Coordinate(\"{name}\").");

    /// <summary>The coordinate of one placeholder: an index, a strength, or a name.</summary>
    /// <exception cref="ArgumentException">There is no such placeholder.</exception>
    public SweepCoordinate Coordinate(string name) => Names.IndexOf(name) is >= 0 and int axis
        ? Coordinates[axis]
        : throw new ArgumentException($"No placeholder '{name}' is swept; there are {string.Join(", ", Names)}.", nameof(name));

    /// <inheritdoc/>
    public override string ToString()
    {
        string point = string.Join(' ', Names.Zip(Coordinates, (name, index) => $"{name}={index}"));
        return string.Create(CultureInfo.InvariantCulture, $"{point}: {Value:G6} ({Change:+0.####;-0.####;0})");
    }
}

/// <summary>A coordinate on one axis of a sweep: a number (an index, a strength) or a name (of a position, of a run).</summary>
public readonly record struct SweepCoordinate
{
    private readonly double _number;

    private SweepCoordinate(string? name, double number)
    {
        Name = name;
        _number = number;
    }

    /// <summary>The name; <see langword="null"/> for a number.</summary>
    public string? Name { get; }

    /// <summary>The number.</summary>
    /// <exception cref="InvalidOperationException">It is a name.</exception>
    public double Number => Name is null
        ? _number
        : throw new InvalidOperationException($"'{Name}' is a name; this axis of the sweep has no numbers.");

    /// <summary>A number.</summary>
    public static implicit operator SweepCoordinate(double number) => FromDouble(number);

    /// <summary>A name.</summary>
    public static implicit operator SweepCoordinate(string name) => FromString(name);

    /// <summary>A number.</summary>
    public static SweepCoordinate FromDouble(double number) => new(null, number);

    /// <summary>A name.</summary>
    public static SweepCoordinate FromString(string name) => new(name ?? throw new ArgumentNullException(nameof(name)), 0);

    /// <summary>The name, or the number in the invariant culture.</summary>
    public override string ToString() => Name ?? _number.ToString("R", CultureInfo.InvariantCulture);
}
