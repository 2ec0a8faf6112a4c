using System.Collections.Immutable;
using System.Globalization;
using Interventions.Runtime;
using Interventions.Sites;

namespace Interventions;

/// <summary>A placeholder and what it goes through, one coordinate at a time; or several that go through listed points together.</summary>
/// <param name="Name">The placeholder, without braces; several are parted by commas: <c>layer, head</c>.</param>
/// <param name="Coordinates">In order: indices, strengths, names of positions or runs, or points (<c>23.3</c>).</param>
public sealed record SweepAxis(string Name, ImmutableArray<SweepCoordinate> Coordinates)
{
    /// <summary>The placeholders: one, or those that go through points together.</summary>
    public ImmutableArray<string> Placeholders { get; } = [.. ListedPoints.Placeholders(Name)];

    /// <summary>A placeholder of strengths or factors.</summary>
    /// <param name="name">The placeholder, without braces.</param>
    /// <param name="values">At least one, each once.</param>
    public static SweepAxis OfNumbers(string name, params double[] values) => new(name, [.. values.Select(SweepCoordinate.FromDouble)]);

    /// <summary>A placeholder of runs of the prompt set.</summary>
    /// <param name="name">The placeholder, without braces.</param>
    /// <param name="runs">At least one, each once.</param>
    public static SweepAxis OfRuns(string name, params string[] runs) => new(name, [.. runs.Select(SweepCoordinate.FromString)]);

    /// <summary>Placeholders that go through listed points together, which are one axis of the result.</summary>
    /// <param name="placeholders">The placeholders, without braces: <c>layer, head</c>.</param>
    /// <param name="points">
    /// At least one, each once: a coordinate for each placeholder, parted by dots (<c>23.3</c>) or commas (<c>23, 0.5</c>).
    /// </param>
    /// <exception cref="InterventionException">A text is no such point.</exception>
    public static SweepAxis OfPoints(string placeholders, params string[] points)
    {
        ArgumentNullException.ThrowIfNull(points);
        IReadOnlyList<string> names = ListedPoints.Placeholders(placeholders);
        return new SweepAxis(placeholders, [.. points.Select(Point)]);

        SweepCoordinate Point(string text) => ListedPoints.Problem(text, names) is { } problem
            ? throw new InterventionException($"{problem}.")
            : SweepCoordinate.OfPoint([.. ListedPoints.Coordinates(text).Select(SweepCoordinate.Parse)]);
    }

    /// <summary>The axis of one of several placeholders: its coordinate in each of the points.</summary>
    /// <exception cref="InterventionException">A coordinate is no point.</exception>
    internal SweepAxis Of(string placeholder)
    {
        return Placeholders.Length == 1 ? this : new SweepAxis(placeholder, [.. Coordinates.Select(Part)]);

        SweepCoordinate Part(SweepCoordinate point) => point.Parts.Count == Placeholders.Length
            ? point.Parts[Placeholders.IndexOf(placeholder)]
            : throw new InterventionException($"{ListedPoints.Problem($"{point}", Placeholders) ?? $"'{point}' is a text: see OfPoints"}.");
    }

    /// <summary>The coordinates by axis: several that belong to one axis become a point.</summary>
    /// <param name="axes">The axes.</param>
    /// <param name="coordinates">One a placeholder, or one an axis.</param>
    /// <exception cref="ArgumentException">There are fewer or more.</exception>
    internal static ImmutableArray<SweepCoordinate> Along(
        ImmutableArray<SweepAxis> axes, ReadOnlySpan<SweepCoordinate> coordinates)
    {
        string[] placeholders = [.. axes.SelectMany(axis => axis.Placeholders)];
        if (coordinates.Length == axes.Length)
            return [.. coordinates];
        if (coordinates.Length != placeholders.Length)
            throw new ArgumentException(
                $"The sweep has {placeholders.Length} placeholders ({string.Join(", ", placeholders)}); " +
                $"{coordinates.Length} coordinates were given.");
        var along = ImmutableArray.CreateBuilder<SweepCoordinate>(axes.Length);
        foreach (SweepAxis axis in axes)
        {
            int count = axis.Placeholders.Length;
            along.Add(count == 1 ? coordinates[0] : SweepCoordinate.OfPoint(coordinates[..count].ToArray()));
            coordinates = coordinates[count..];
        }
        return along.MoveToImmutable();
    }

    /// <summary>The index of a coordinate, or −1. Points, and positions that mix names and indices, are found by text too.</summary>
    internal int IndexOf(SweepCoordinate wanted)
    {
        for (int i = 0; i < Coordinates.Length; i++)
            if (Coordinates[i] == wanted || (wanted.Name is string text && Coordinates[i].ToString() == text))
                return i;
        return -1;
    }

    /// <summary>Whether all coordinates are numbers.</summary>
    internal bool HasNumbers => Coordinates.All(coordinate => coordinate.Name is null);

    /// <summary>Whether all coordinates are names.</summary>
    internal bool HasNames => Coordinates.All(coordinate => coordinate.Name is not null);
}

/// <summary>
/// A place on one axis of a sweep: a number (an index, a strength), a name (of a position, of a run), or a point of several placeholders,
/// whose name is its coordinates: <c>23.3</c>.
/// </summary>
public readonly record struct SweepCoordinate
{
    private readonly double _number;
    private readonly SelectionItem? _place;
    private readonly int _run;
    private readonly SweepCoordinate[]? _parts;

    private SweepCoordinate(SweepCoordinate[] parts)
        : this(ListedPoints.Text([.. parts.Select(part => part.ToString())]), 0) => _parts = parts;

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

    /// <summary>A point's coordinates, one a placeholder; empty for a number or a name.</summary>
    public IReadOnlyList<SweepCoordinate> Parts => _parts ?? [];

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

    /// <summary>A point of several placeholders.</summary>
    internal static SweepCoordinate OfPoint(SweepCoordinate[] parts) => new(parts);

    /// <summary>A number or a name.</summary>
    internal static SweepCoordinate Parse(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) ? number : text;

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
                if (Axes[axis].Placeholders.IndexOf(name) is >= 0 and int place)
                    return Axes[axis].Placeholders.Length == 1 ? Coordinates[axis] : Coordinates[axis].Parts[place];
            throw new ArgumentException(
                $"No placeholder '{name}' is swept; there are {string.Join(", ", Axes.SelectMany(axis => axis.Placeholders))}.",
                nameof(name));
        }
    }

    /// <summary>The placeholders and their coordinates: <c>layer=9 head=6</c>.</summary>
    public override string ToString() =>
        string.Join(' ', Axes.SelectMany(axis => axis.Placeholders).Select(placeholder => $"{placeholder}={this[placeholder]}"));
}
