using System.Collections.Immutable;
using System.Globalization;
using Interventions.Sites;

namespace Interventions;

/// <summary>A placeholder and what it goes through, one coordinate at a time.</summary>
/// <param name="Name">The placeholder, without braces.</param>
/// <param name="Coordinates">In order: indices, strengths, or names of positions or runs.</param>
public sealed record SweepAxis(string Name, ImmutableArray<SweepCoordinate> Coordinates)
{
    /// <summary>A placeholder of strengths or factors.</summary>
    /// <param name="name">The placeholder, without braces.</param>
    /// <param name="values">At least one, each once.</param>
    public static SweepAxis OfNumbers(string name, params double[] values) => new(name, [.. values.Select(SweepCoordinate.FromDouble)]);

    /// <summary>A placeholder of runs of the prompt set.</summary>
    /// <param name="name">The placeholder, without braces.</param>
    /// <param name="runs">At least one, each once.</param>
    public static SweepAxis OfRuns(string name, params string[] runs) => new(name, [.. runs.Select(SweepCoordinate.FromString)]);

    /// <summary>Whether all coordinates are numbers.</summary>
    internal bool HasNumbers => Coordinates.All(coordinate => coordinate.Name is null);

    /// <summary>Whether all coordinates are names.</summary>
    internal bool HasNames => Coordinates.All(coordinate => coordinate.Name is not null);
}

/// <summary>A place on one axis of a sweep: a number (an index, a strength) or a name (of a position, of a run).</summary>
public readonly record struct SweepCoordinate
{
    private readonly double _number;
    private readonly SelectionItem? _place;
    private readonly int _run;

    private SweepCoordinate(string? name, double number, SelectionItem? place = null, int run = 0)
    {
        Name = name;
        _number = number;
        _place = place;
        _run = run;
    }

    /// <summary>The name; <see langword="null"/> for a number.</summary>
    public string? Name { get; }

    /// <summary>The number.</summary>
    /// <exception cref="InvalidOperationException">It is a name.</exception>
    public double Number =>
        Name is null ? _number : throw new InvalidOperationException($"'{Name}' is a name; this axis of the sweep has no numbers.");

    /// <summary>What it selects in a site path, once it is bound to a model.</summary>
    internal SelectionItem Place => _place ?? throw new InvalidOperationException($"'{this}' is no coordinate of a site path.");

    /// <summary>The run's number, once it is bound to a prompt set.</summary>
    internal int Run => _run;

    /// <summary>A number.</summary>
    public static implicit operator SweepCoordinate(double number) => FromDouble(number);

    /// <summary>A name.</summary>
    public static implicit operator SweepCoordinate(string name) => FromString(name);

    /// <summary>A number.</summary>
    public static SweepCoordinate FromDouble(double number) => new(null, number);

    /// <summary>A name.</summary>
    public static SweepCoordinate FromString(string name) => new(name ?? throw new ArgumentNullException(nameof(name)), 0);

    /// <summary>A coordinate of a site path: an index, or a named position.</summary>
    internal static SweepCoordinate OfPlace(SelectionItem place) => new(NameOf(place), place.Name is null ? place.First : 0, place);

    /// <summary>A run of the prompt set.</summary>
    internal static SweepCoordinate OfRun(string name, int number) => new(name, 0, run: number);

    /// <summary>Whether both are the same number or the same name; what they are bound to does not count.</summary>
    public bool Equals(SweepCoordinate other) => Name == other.Name && _number.Equals(other._number);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Name, _number);

    /// <summary>The name, or the number in the invariant culture.</summary>
    public override string ToString() => Name ?? _number.ToString("R", CultureInfo.InvariantCulture);

    private static string? NameOf(SelectionItem place) =>
        place.Name is null || place == NewTokens.Every || (place.First == 0 && !place.IsNew())
            ? place.Name
            : place.Name + place.First.ToString("+0;-0", CultureInfo.InvariantCulture);
}

/// <summary>A point of a sweep: one coordinate an axis.</summary>
/// <param name="Axes">The placeholders.</param>
/// <param name="Coordinates">Where each of them stands.</param>
public sealed record SweepPoint(ImmutableArray<SweepAxis> Axes, ImmutableArray<SweepCoordinate> Coordinates)
{
    /// <summary>The point of a declaration without sweep.</summary>
    internal static SweepPoint None { get; } = new([], []);

    /// <summary>Where one placeholder stands.</summary>
    /// <exception cref="ArgumentException">There is no such placeholder.</exception>
    public SweepCoordinate this[string name]
    {
        get
        {
            for (int axis = 0; axis < Axes.Length; axis++)
                if (Axes[axis].Name == name)
                    return Coordinates[axis];
            throw new ArgumentException(
                $"No placeholder '{name}' is swept; there are {string.Join(", ", Axes.Select(axis => axis.Name))}.", nameof(name));
        }
    }

    /// <summary>The placeholders and their coordinates: <c>layer=9 head=6</c>.</summary>
    public override string ToString() => string.Join(' ', Axes.Zip(Coordinates, (axis, coordinate) => $"{axis.Name}={coordinate}"));
}
