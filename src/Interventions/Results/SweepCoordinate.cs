using System.Globalization;

namespace Interventions;

/// <summary>A place on one axis of a sweep: a number (an index, a strength) or a name (of a position, of a run).</summary>
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
    public double Number => Name is null ? _number : throw new InvalidOperationException($"'{Name}' is a name; this axis of the sweep has no numbers.");

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
