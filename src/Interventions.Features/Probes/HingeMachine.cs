using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>
/// A linear support vector machine by an interior point method (Ferris and Munson 2002, with Mehrotra's corrections): Newton's steps
/// towards the conditions of a minimum, whose products of slacks shrink together. Each solves one system as wide as the values, like a step
/// of <see cref="NewtonLogistic"/>; some twenty of them give what a method of single rows gives after thousands of rounds.
/// </summary>
internal static class HingeMachine
{
    private const int MostSteps = 200;
    private const double Tolerance = 1e-10, Caution = 0.99;

    /// <summary>min ½‖w‖² + C Σ max(0, 1 − y(w·x + b)).</summary>
    /// <param name="x"><c>[row, d]</c>, float64.</param>
    /// <param name="y">±1, <c>[row]</c>.</param>
    /// <param name="c">C.</param>
    /// <exception cref="InterventionException">It came to no minimum.</exception>
    public static (Tensor Weight, double Bias) Solve(Tensor x, Tensor y, double c)
    {
        CentredRows rows = new(x);
        State state = new(zeros_like(rows.Penalty), ones_like(y).times(c / 2), ones_like(y), ones_like(y));
        bool isMinimum = false;
        double unit = 1;
        for (int step = 0; step < MostSteps && !isMinimum; step++)
        {
            using DisposeScope scope = NewDisposeScope();
            // Of y(w·x + b) = 1 − loss + slack, and of w = Σ dual y x and Σ dual y = 0, what does not hold yet.
            Tensor primal = rows.Rows.matmul(state.Solution).mul(y).plus(-1.0).plus(state.Loss).sub(state.Slack);
            Tensor dual = rows.Rows.t().matmul(state.Dual.mul(y)).sub(state.Solution.mul(rows.Penalty));
            double gap = state.Gap(c), lacking = dual.norm().item<double>();
            unit = step == 0 ? Math.Max(1, lacking) : unit;
            isMinimum = gap <= Tolerance * Math.Max(1, c) && primal.abs().max().item<double>() <= 1e-8 && lacking <= 1e-8 * unit;
            if (!isMinimum)
                state = Next(gap, primal, dual).MovedOut(state);
        }
        return isMinimum ? rows.Back(state.Solution) : throw new InterventionException(
            $"The support vector machine found no minimum in {MostSteps} steps: scale the values, or lower C.");

        // A step that is planned twice: first straight to products of 0, whose success says how far they can shrink now.
        State Next(double gap, Tensor primal, Tensor dual)
        {
            Tensor rest = state.Dual.neg().plus(c);
            Tensor loose = state.Loss.div(rest).plus(state.Slack.div(state.Dual));
            Tensor system = rows.Curvature(loose.reciprocal());
            State straight = Way(zeros_like(y), zeros_like(y));
            double shrunk = state.Moved(straight, state.Reach(straight, c)).Gap(c) / gap;
            double aim = gap * Math.Pow(shrunk, 3);
            State way = Way(straight.Dual.mul(straight.Slack).neg().plus(aim), straight.Dual.mul(straight.Loss).plus(aim));
            return state.Moved(way, state.Reach(way, c));

            // The way on which dual · slack, and (C − dual) · loss, become what is wanted of them.
            State Way(Tensor slackProduct, Tensor lossProduct)
            {
                Tensor wanted = slackProduct.div(state.Dual).sub(state.Slack).sub(lossProduct.div(rest)).plus(state.Loss).sub(primal);
                Tensor solution = linalg.solve(system, rows.Rows.t().matmul(y.mul(wanted).div(loose)).plus(dual));
                Tensor change = wanted.sub(rows.Rows.matmul(solution).mul(y)).div(loose);
                return new State(
                    solution, change, lossProduct.plus(state.Loss.mul(change)).div(rest).sub(state.Loss),
                    slackProduct.sub(state.Slack.mul(change)).div(state.Dual).sub(state.Slack));
            }
        }
    }

    /// <summary>Where the search is, or a way from there.</summary>
    /// <param name="Solution">Weights and bias, <c>[coordinate]</c>.</param>
    /// <param name="Dual">How much of each row is in the weights, from 0 to C.</param>
    /// <param name="Loss">What each row's margin lacks.</param>
    /// <param name="Slack">What it has to spare.</param>
    private sealed record State(Tensor Solution, Tensor Dual, Tensor Loss, Tensor Slack)
    {
        /// <summary>The mean of the products that are 0 at the minimum.</summary>
        public double Gap(double c) =>
            Dual.dot(Slack).plus(Dual.neg().plus(c).dot(Loss)).item<double>() / (2 * Dual.shape[0]);

        public State Moved(State way, double length) => new(
            Solution.plus(way.Solution.times(length)), Dual.plus(way.Dual.times(length)), Loss.plus(way.Loss.times(length)),
            Slack.plus(way.Slack.times(length)));

        /// <summary>How much of a way can be gone, at most all of it, until something positive would be 0.</summary>
        public double Reach(State way, double c)
        {
            double steepest = new[]
            {
                way.Dual.neg().div(Dual), way.Dual.div(Dual.neg().plus(c)), way.Loss.neg().div(Loss), way.Slack.neg().div(Slack),
            }.Max(ratio => ratio.max().item<double>());
            return steepest <= Caution ? 1 : Caution / steepest;
        }

        /// <summary>Keeps this beyond the current scope, and frees the state before it.</summary>
        public State MovedOut(State before)
        {
            foreach (Tensor tensor in new[] { Solution, Dual, Loss, Slack })
                tensor.MoveToOuterDisposeScope();
            foreach (Tensor tensor in new[] { before.Solution, before.Dual, before.Loss, before.Slack })
                tensor.Dispose();
            return this;
        }
    }
}
