using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>
/// Logistic regression by Newton's steps, each as long as the objective allows. A few steps of one small system find the minimum to
/// rounding, without a step size or a memory to choose, and the same numbers give the same bits.
/// </summary>
internal static class NewtonLogistic
{
    private const int MostSteps = 200;

    /// <summary>The gradient's norm at a solution, for each unit of weight: what is left of it by rounding is less.</summary>
    private const double Tolerance = 1e-11, Demanded = 1e-6;

    /// <summary>min ½‖w‖² + Σ c log(1 + e^(−y(w·x + b))).</summary>
    /// <param name="x"><c>[row, d]</c>, float64.</param>
    /// <param name="y">±1, <c>[row]</c>.</param>
    /// <param name="c">The weight of each row, <c>[row]</c>.</param>
    /// <exception cref="InterventionException">The gradient's norm stayed above 1e-6.</exception>
    public static (Tensor Weight, double Bias) Solve(Tensor x, Tensor y, Tensor c)
    {
        CentredRows rows = new(x);
        Tensor solution = zeros_like(rows.Penalty);
        double total = Math.Max(1, c.sum().item<double>()), value = Objective(solution), norm = double.PositiveInfinity;
        for (int step = 0; step < MostSteps; step++)
        {
            using DisposeScope scope = NewDisposeScope();
            // How likely each row's other class is.
            Tensor wrong = rows.Rows.matmul(solution).mul(y).neg().sigmoid();
            Tensor gradient = solution.mul(rows.Penalty).sub(rows.Rows.t().matmul(c.mul(y).mul(wrong)));
            norm = gradient.norm().item<double>();
            if (norm <= Tolerance * total)
                break;
            Tensor direction = linalg.solve(rows.Curvature(c.mul(wrong).mul(wrong.neg().plus(1.0))), gradient);
            if (Nearer(direction) is not { } next)
                break;
            (solution, Tensor before) = (next.MoveToOuterDisposeScope(), solution);
            before.Dispose();
        }
        return norm <= Demanded * total ? rows.Back(solution) : throw new InterventionException(
            $"The logistic regression has a gradient of norm {norm:g3} left after {MostSteps} steps: scale the values, or lower C.");

        // The longest of steps by halves that raises nothing but by rounding.
        Tensor? Nearer(Tensor direction)
        {
            for (double length = 1; length > 1e-9; length /= 2)
            {
                Tensor there = solution.sub(direction.times(length));
                double its = Objective(there);
                if (its <= value + (1e-14 * Math.Abs(value)))
                {
                    value = its;
                    return there;
                }
            }
            return null;
        }

        double Objective(Tensor at)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor margins = rows.Rows.matmul(at).mul(y);
            // log(1 + e^−m) without overflow.
            Tensor losses = margins.neg().relu().plus(margins.abs().neg().exp().log1p());
            return (0.5 * at.mul(rows.Penalty).dot(at).item<double>()) + c.dot(losses).item<double>();
        }
    }
}
