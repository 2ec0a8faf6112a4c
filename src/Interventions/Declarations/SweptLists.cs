using System.Collections;
using System.ComponentModel;
using System.Runtime.CompilerServices;
using Interventions.Sites;

namespace Interventions.Runtime;

/// <summary>Sweeps through what a property holds. Called by generated code.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class SweptLists
{
    private static readonly Type[] s_coordinates = [typeof(int), typeof(double), typeof(string)];

    /// <summary>The sweep of a property's list.</summary>
    /// <param name="property">The property, for messages.</param>
    /// <param name="placeholders">The placeholders, parted by commas.</param>
    /// <param name="points">What the property holds.</param>
    /// <param name="coordinates">The coordinates of a point, one for each placeholder.</param>
    /// <exception cref="InterventionException">The property is null or empty, or holds a null.</exception>
    public static SweepAxis Of<T>(
        string property, string placeholders, IEnumerable<T>? points, Func<T, SweepCoordinate[]> coordinates)
    {
        ArgumentNullException.ThrowIfNull(coordinates);
        if (points is null)
            throw new InterventionException($"{property} is null; it must list what '{placeholders}' goes through.");
        try
        {
            SweepCoordinate[] all = [.. points.Select(point => Single(coordinates(point)))];
            return all.Length > 0
                ? new SweepAxis(placeholders, [.. all])
                : throw new InterventionException($"{property} is empty, so '{placeholders}' goes through no values.");
        }
        catch (ArgumentNullException missing)
        {
            throw new InterventionException($"{property} holds a name that is null.", missing);
        }

        static SweepCoordinate Single(SweepCoordinate[] parts) => parts is [var only] ? only : SweepCoordinate.OfPoint(parts);
    }

    /// <summary>The sweep of a list whose type is known when it runs: a call's argument, or a property that reflection reads.</summary>
    /// <param name="list">The list's name, for messages.</param>
    /// <param name="placeholders">The placeholders, parted by commas.</param>
    /// <param name="points">What the list holds.</param>
    internal static SweepAxis OfAny(string list, string placeholders, object? points) =>
        Of(list, placeholders, ((IEnumerable?)points)?.Cast<object?>(), static point => point is ITuple tuple
            ? [.. Enumerable.Range(0, tuple.Length).Select(i => Coordinate(tuple[i]))]
            : [Coordinate(point)]);

    /// <summary>Whether placeholders can go through what a type holds: numbers and names, or tuples of them.</summary>
    internal static bool CanList(Type list, string placeholders)
    {
        int count = ListedPoints.Placeholders(placeholders).Count;
        Type? point = list.GetInterfaces().Prepend(list)
            .FirstOrDefault(known => known.IsGenericType && known.GetGenericTypeDefinition() == typeof(IEnumerable<>))
            ?.GenericTypeArguments[0];
        Type[] parts =
            point is null ? [] :
            count == 1 ? [point] :
            point.IsValueType && typeof(ITuple).IsAssignableFrom(point) ? Parts(point) :
            [];
        return parts.Length == count && parts.All(s_coordinates.Contains);
    }

    /// <summary>The types of a tuple's parts. A tuple of more than seven has the others in one of its own.</summary>
    private static Type[] Parts(Type tuple) =>
        tuple.GenericTypeArguments is { Length: 8 } types ? [.. types[..7], .. Parts(types[7])] : tuple.GenericTypeArguments;

    private static SweepCoordinate Coordinate(object? value) => value switch
    {
        int index => index,
        double number => number,
        _ => SweepCoordinate.FromString((string)value!),
    };
}
