using System.Numerics;
using System.Runtime.InteropServices;

namespace Interventions.Features;

/// <summary>
/// Logistic regression with a penalty that has a kink at 0: Newton's model of the loss, minimised weight by weight (Friedman et al. 2010),
/// again and again. Weights that belong at 0 are exactly 0.
/// </summary>
internal sealed class CoordinateDescent
{
    private const int MostSteps = 200, MostRounds = 5000;
    private const double Tolerance = 1e-10;

    private readonly double[][] _columns;
    private readonly double[] _signs, _slopes, _curvatures, _changes, _scores;
    private readonly double _c, _first, _second;

    private CoordinateDescent(double[][] columns, double[] signs, double c, double l1Share)
    {
        (_columns, _signs, _c, _first, _second) = (columns, signs, c, l1Share, 1 - l1Share);
        (_slopes, _curvatures) = (new double[signs.Length], new double[signs.Length]);
        (_changes, _scores) = (new double[signs.Length], new double[signs.Length]);
    }

    /// <summary>min ρ‖w‖₁ + (1 − ρ)/2 ‖w‖² + C Σ log(1 + e^(−y(w·x + b))).</summary>
    /// <param name="columns">The values, a column each, less their means: then the bias hardly changes with the weights.</param>
    /// <param name="signs">±1, of each row.</param>
    /// <param name="c">C.</param>
    /// <param name="l1Share">ρ.</param>
    /// <returns>The weights, and the bias of the centred columns.</returns>
    /// <exception cref="InterventionException">It came to no minimum.</exception>
    public static (double[] Weights, double Bias) Solve(double[][] columns, double[] signs, double c, double l1Share)
    {
        CoordinateDescent descent = new(columns, signs, c, l1Share);
        double[] weights = new double[columns.Length];
        double bias = 0;
        for (int step = 0; step < MostSteps; step++)
        {
            descent.Model();
            double[] next = [.. weights];
            double nextBias = bias + descent.Minimised(next);
            double moved = descent.Move(weights, ref bias, next, nextBias);
            if (moved <= Tolerance * (1 + weights.Max(Math.Abs)))
                return (weights, bias);
        }
        throw new InterventionException(
            $"The sparse logistic regression found no minimum in {MostSteps} steps: scale the values, or lower C.");
    }

    /// <summary>Slope and curvature of the loss of each row's score.</summary>
    private void Model()
    {
        for (int i = 0; i < _signs.Length; i++)
        {
            double wrong = 1 / (1 + Math.Exp(_signs[i] * _scores[i]));
            _slopes[i] = -_c * _signs[i] * wrong;
            _curvatures[i] = _c * Math.Max(wrong * (1 - wrong), 1e-10);
            _changes[i] = 0;
        }
    }

    /// <summary>Minimises the model, weight by weight, until a round changes little of what all rounds have changed.</summary>
    /// <returns>The change of the bias.</returns>
    private double Minimised(double[] weights)
    {
        double bias = 0, furthest = 0;
        double[] start = [.. weights];
        for (int round = 0; round < MostRounds; round++)
        {
            double largest = 0;
            for (int j = 0; j < weights.Length; j++)
            {
                (double slope, double curvature) = Along(_columns[j]);
                double wanted = (curvature * weights[j]) - slope;
                double found = Math.Sign(wanted) * Math.Max(0, Math.Abs(wanted) - _first) / (curvature + _second);
                double change = curvature + _second > 0 ? found - weights[j] : 0;
                if (change == 0)
                    continue;
                weights[j] += change;
                Add(_columns[j], change);
                (largest, furthest) = (Math.Max(largest, Math.Abs(change)), Math.Max(furthest, Math.Abs(weights[j] - start[j])));
            }
            double shift = Shifted();
            bias += shift;
            furthest = Math.Max(furthest, Math.Abs(bias));
            if (Math.Max(largest, Math.Abs(shift)) <= (1e-4 * furthest) + 1e-14)
                break;
        }
        return bias;
    }

    /// <summary>The model's slope and curvature along a column. The time is spent here, so it takes several rows at once.</summary>
    private (double Slope, double Curvature) Along(double[] column)
    {
        ReadOnlySpan<Vector<double>> x = Vectors(column), slopes = Vectors(_slopes), curvatures = Vectors(_curvatures);
        ReadOnlySpan<Vector<double>> changes = Vectors(_changes);
        Vector<double> slope = default, curvature = default;
        for (int i = 0; i < x.Length; i++)
        {
            Vector<double> curved = curvatures[i] * x[i];
            slope += (slopes[i] * x[i]) + (curved * changes[i]);
            curvature += curved * x[i];
        }
        (double s, double c) = (Vector.Sum(slope), Vector.Sum(curvature));
        for (int i = x.Length * Vector<double>.Count; i < column.Length; i++)
        {
            s += (_slopes[i] + (_curvatures[i] * _changes[i])) * column[i];
            c += _curvatures[i] * column[i] * column[i];
        }
        return (s, c);
    }

    /// <summary>Changes every row's score by a column times a number.</summary>
    private void Add(double[] column, double change)
    {
        Span<Vector<double>> changes = MemoryMarshal.Cast<double, Vector<double>>(_changes.AsSpan());
        ReadOnlySpan<Vector<double>> x = Vectors(column);
        for (int i = 0; i < x.Length; i++)
            changes[i] += change * x[i];
        for (int i = x.Length * Vector<double>.Count; i < column.Length; i++)
            _changes[i] += change * column[i];
    }

    private static ReadOnlySpan<Vector<double>> Vectors(double[] numbers) =>
        MemoryMarshal.Cast<double, Vector<double>>(numbers.AsSpan());

    /// <summary>Moves the bias to the model's minimum, and returns by how much.</summary>
    private double Shifted()
    {
        double slope = 0, curvature = 0;
        for (int i = 0; i < _changes.Length; i++)
        {
            slope += _slopes[i] + (_curvatures[i] * _changes[i]);
            curvature += _curvatures[i];
        }
        double shift = -slope / curvature;
        for (int i = 0; i < _changes.Length; i++)
            _changes[i] += shift;
        return shift;
    }

    /// <summary>Goes the way to the model's minimum, or as much of it by halves as lowers the objective.</summary>
    /// <returns>How far the weight moved that moved furthest.</returns>
    private double Move(double[] weights, ref double bias, double[] next, double nextBias)
    {
        double value = Objective(weights, 0);
        for (double length = 1; length > 1e-9; length /= 2)
        {
            double[] there = [.. weights.Zip(next, (from, to) => length == 1 ? to : from + (length * (to - from)))];
            if (Objective(there, length) > value + (1e-14 * Math.Abs(value)))
                continue;
            double moved = Math.Max(
                weights.Zip(there, (from, to) => Math.Abs(to - from)).Max(), Math.Abs(length * (nextBias - bias)));
            there.CopyTo(weights, 0);
            bias += length * (nextBias - bias);
            for (int i = 0; i < _scores.Length; i++)
                _scores[i] += length * _changes[i];
            return moved;
        }
        return 0;
    }

    private double Objective(double[] weights, double length)
    {
        double value = weights.Sum(weight => (_first * Math.Abs(weight)) + (0.5 * _second * weight * weight));
        for (int i = 0; i < _signs.Length; i++)
        {
            double margin = _signs[i] * (_scores[i] + (length * _changes[i]));
            value += _c * (Math.Max(0, -margin) + Math.Log(1 + Math.Exp(-Math.Abs(margin))));
        }
        return value;
    }
}
