namespace Interventions.Circuits;

/// <summary>Where a search for a minimum ended.</summary>
/// <param name="Place">The numbers.</param>
/// <param name="Value">The function there.</param>
/// <param name="Iterations">How many steps were taken.</param>
/// <param name="IsConverged">Whether the search ended because the value fell no further, not because of its limit.</param>
internal sealed record Minimum(double[] Place, double Value, int Iterations, bool IsConverged);

/// <summary>
/// Finds a minimum of a smooth function of many numbers: BFGS with limited memory, and steps that fulfil Wolfe's conditions (Nocedal and
/// Wright, Numerical Optimization, 2006, chapters 3 and 7). It needs no step size.
/// </summary>
internal static class Minimizer
{
    private const int Memory = 10, MostTrials = 25;

    /// <summary>Of a step's decrease, the part that the slope promises at least; and of the slope, the part that is left at most.</summary>
    private const double Decrease = 1e-4, Slope = 0.9;

    /// <summary>Searches from a place on.</summary>
    /// <param name="function">The value and its gradient.</param>
    /// <param name="start">Where to begin.</param>
    /// <param name="iterations">How many steps are taken at most.</param>
    /// <param name="tolerance">A step that lowers the value by less, relative to it, is the last one.</param>
    /// <param name="report">Called after each step with its number.</param>
    public static Minimum Of(
        Func<double[], (double Value, double[] Gradient)> function,
        double[] start,
        int iterations,
        double tolerance,
        Action<int> report)
    {
        double[] place = start;
        (double value, double[] gradient) = function(place);
        Queue<(double[] Step, double[] Change)> past = [];
        for (int i = 0; i < iterations; i++)
        {
            double[] direction = Direction(gradient, past);
            if (Product(direction, gradient) >= 0)
            {
                past.Clear();
                direction = Direction(gradient, past);
            }
            if (Step(function, place, value, gradient, direction) is not { } next)
                return new Minimum(place, value, i, IsConverged: true);
            double fallen = value - next.Value;
            past.Enqueue((Sum(next.Place, place, -1), Sum(next.Gradient, gradient, -1)));
            if (past.Count > Memory)
                past.Dequeue();
            (place, value, gradient) = next;
            report(i + 1);
            if (fallen <= tolerance * Math.Max(1, Math.Abs(value)))
                return new Minimum(place, value, i + 1, IsConverged: true);
        }
        return new Minimum(place, value, iterations, IsConverged: false);
    }

    /// <summary>A step along a direction that lowers the value enough, and flattens it enough; null where none lowers it.</summary>
    private static (double[] Place, double Value, double[] Gradient)? Step(
        Func<double[], (double Value, double[] Gradient)> function, double[] place, double value, double[] gradient, double[] direction)
    {
        double slope = Product(direction, gradient), length = 1, low = 0, high = double.PositiveInfinity;
        (double[] Place, double Value, double[] Gradient)? best = null;
        for (int i = 0; i < MostTrials && slope < 0; i++)
        {
            double[] there = Sum(place, direction, length);
            (double found, double[] its) = function(there);
            if (!double.IsFinite(found) || found > value + (Decrease * length * slope))
            {
                high = length;
            }
            else
            {
                if (found < (best?.Value ?? value))
                    best = (there, found, its);
                if (Product(direction, its) >= Slope * slope)
                    return best;
                low = length;
            }
            length = double.IsInfinity(high) ? 2 * low : (low + high) / 2;
        }
        return best;
    }

    /// <summary>Downhill, as far as the steps so far say how the gradient changes.</summary>
    private static double[] Direction(double[] gradient, Queue<(double[] Step, double[] Change)> past)
    {
        double[] direction = [.. gradient.Select(number => -number)];
        (double[] Step, double[] Change)[] known = [.. past.Where(one => Product(one.Step, one.Change) > 0)];
        if (known.Length == 0)
        {
            double size = Math.Sqrt(Product(gradient, gradient));
            return size > 1 ? [.. direction.Select(number => number / size)] : direction;
        }
        double[] parts = new double[known.Length];
        for (int i = known.Length - 1; i >= 0; i--)
        {
            parts[i] = Product(known[i].Step, direction) / Product(known[i].Step, known[i].Change);
            direction = Sum(direction, known[i].Change, -parts[i]);
        }
        (double[] step, double[] change) = known[^1];
        double scale = Product(step, change) / Product(change, change);
        direction = [.. direction.Select(number => number * scale)];
        for (int i = 0; i < known.Length; i++)
        {
            double part = Product(known[i].Change, direction) / Product(known[i].Step, known[i].Change);
            direction = Sum(direction, known[i].Step, parts[i] - part);
        }
        return direction;
    }

    private static double Product(double[] a, double[] b) => a.Zip(b, (x, y) => x * y).Sum();

    /// <summary>a + factor · b.</summary>
    private static double[] Sum(double[] a, double[] b, double factor) => [.. a.Zip(b, (x, y) => x + (factor * y))];
}
