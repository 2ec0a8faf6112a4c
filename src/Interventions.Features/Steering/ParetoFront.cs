using System.Collections.Immutable;
using Interventions.Results;

namespace Interventions.Features;

/// <summary>
/// Which ways of steering no other beats: those that no other point equals in success and loss and beats in one of them. Points of several
/// methods are compared only where they are of the same prompts and the same scored tokens.
/// </summary>
public sealed class ParetoFront
{
    private ParetoFront(ImmutableArray<SteeringPoint> points)
    {
        Points = points;
        NonDominated = [.. points.Where(point => !points.Any(other => Dominates(other, point))).OrderBy(point => point.Loss)];
    }

    /// <summary>All points.</summary>
    public ImmutableArray<SteeringPoint> Points { get; }

    /// <summary>The points that no other one beats, the cheapest first.</summary>
    public ImmutableArray<SteeringPoint> NonDominated { get; }

    /// <summary>
    /// Compares all points of sweeps, and the model as it is: a point that costs something and gains nothing is beaten by it.
    /// </summary>
    /// <exception cref="ArgumentException">There is no sweep, or a loss is no number.</exception>
    public static ParetoFront Of(params IEnumerable<SteeringSweep> sweeps)
    {
        SteeringSweep[] all = [.. sweeps];
        return Of(all.Select(sweep => sweep.Unchanged).Distinct().Concat(all.SelectMany(sweep => sweep.Points)));
    }

    /// <summary>Compares points, of one sweep or of several.</summary>
    /// <exception cref="ArgumentException">There is no point, or a loss is no number.</exception>
    public static ParetoFront Of(params IEnumerable<SteeringPoint> points)
    {
        ImmutableArray<SteeringPoint> all = [.. points];
        if (all.IsEmpty)
            throw new ArgumentException("There is no point.", nameof(points));
        return all.FirstOrDefault(point => !double.IsFinite(point.Loss)) is { } infinite
            ? throw new ArgumentException($"'{infinite}' has no finite loss: leave it out.", nameof(points))
            : new ParetoFront(all);
    }

    /// <summary>The front of one method's points alone.</summary>
    /// <param name="method">The method's name.</param>
    /// <exception cref="ArgumentException">No point is of that method.</exception>
    public ParetoFront OfMethod(string method) => Of(Points.Where(point => point.Method == method));

    /// <summary>
    /// A picture that stands alone (SVG): success against loss, each method in a colour, points of its own front filled and joined,
    /// reference strengths circled. Bars are the intervals of 95 % of points of the common front; a point shows its numbers where the
    /// pointer rests.
    /// </summary>
    public string ToSvg() => new ParetoDrawing(this, "loss of text, nats a token", point => point.Loss, isFront: true).Draw();

    /// <summary>
    /// The same against the norm of what is added, to compare vectors of different lengths. Points without such a norm are left out.
    /// </summary>
    /// <exception cref="InvalidOperationException">No point has a norm.</exception>
    public string ToSvgByNorm()
    {
        SteeringPoint[] known = [.. Points.Where(point => point.Norm is not null)];
        return known.Length > 0
            ? new ParetoDrawing(Of(known), "norm of what is added", point => point.Norm!.Value, isFront: false).Draw()
            : throw new InvalidOperationException("Nothing of a fixed length is added at any point.");
    }

    /// <summary>Writes a row a point, as <see cref="SteeringSweep.SaveCsv"/>.</summary>
    /// <param name="path">The file. It appears under its name only when it is complete.</param>
    public void SaveCsv(string path) => CsvFile.Write(path, PointTable.Columns, Points.Select(PointTable.Cells));

    /// <summary>The points that no other one beats, the cheapest first; ○ marks reference strengths.</summary>
    public override string ToString() =>
        PointTable.Of(NonDominated, mostRows: 40) + $"{NonDominated.Length} of {Points.Length} points are on the front\n";

    private static bool Dominates(SteeringPoint one, SteeringPoint other) =>
        one.Loss <= other.Loss && one.Success.Rate >= other.Success.Rate
        && (one.Loss < other.Loss || one.Success.Rate > other.Success.Rate);
}
