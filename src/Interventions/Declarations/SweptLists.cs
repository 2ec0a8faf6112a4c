using System.ComponentModel;

namespace Interventions.Runtime;

/// <summary>Sweeps through what a property holds. Called by generated code.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class SweptLists
{
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
}
