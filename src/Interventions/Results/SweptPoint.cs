using System.Collections;
using System.Collections.Immutable;
using System.Globalization;
using Interventions.Results;

namespace Interventions;

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
        string.Create(CultureInfo.InvariantCulture, $"{Point}: {Value:G6} ({(Change > 0 ? "+" : "")}{Change:G6})");
}

/// <summary>Points of a sweep, in an order. It prints as a table.</summary>
public sealed class SweptPoints : IReadOnlyList<SweptPoint>
{
    private readonly ImmutableArray<SweptPoint> _points;

    internal SweptPoints(ImmutableArray<SweptPoint> points) => _points = points;

    /// <inheritdoc/>
    public int Count => _points.Length;

    /// <inheritdoc/>
    public SweptPoint this[int index] => _points[index];

    /// <inheritdoc/>
    public IEnumerator<SweptPoint> GetEnumerator() => _points.AsEnumerable().GetEnumerator();

    /// <inheritdoc/>
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>A line a point: its coordinates, its value and its change.</summary>
    public override string ToString() => KeptTable.OfPoints(_points);
}
