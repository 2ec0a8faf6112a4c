using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>
/// A linear support vector machine by an interior point method (Ferris and Munson 2002): Newton's steps towards the conditions of a
/// minimum, whose products of slacks shrink together. Each solves one system as wide as the values, like a step of
/// <see cref="NewtonLogistic"/>; some thirty of them give what a method of single rows gives after thousands of rounds.
/// </summary>
internal static class HingeMachine
{
    private const int MostSteps = 200;
    private const double Tolerance = 1e-10, Shrinking = 0.1, Caution = 0.99;

    /// <summary>min ½‖w‖² + C Σ max(0, 1 − y(w·x + b)).</summary>
    /// <param name="x"><c>[row, d]</c>, float64.</param>
    /// <param name="y">±1, <c>[row]</c>.</param>
    /// <param name="c">C.</param>
    /// <exception cref="InterventionException">It came to no minimum.</exception>
    public static (Tensor Weight, double Bias) Solve(Tensor x, Tensor y, double c)
    {
        CentredRows rows = new(x);
        State state = new(zeros_like(rows.Penalty), ones_like(y).times(c / 2), ones_like(y), ones_like(y));
        for (int step = 0; step < MostSteps; step++)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor rest = state.Dual.neg().plus(c), cut = rows.Rows.matmul(state.Solution).mul(y).plus(-1.0);
            // Of y(w·x + b) = 1 − loss + slack, and of w = Σ dual y x and Σ dual y = 0, what does not hold yet.
            Tensor primal = cut.plus(state.Loss).sub(state.Slack);
            Tensor dual = rows.Rows.t().matmul(state.Dual.mul(y)).sub(state.Solution.mul(rows.Penalty));
            double gap = state.Dual.dot(state.Slack).plus(rest.dot(state.Loss)).item<double>() / (2 * y.shape[0]);
            if (gap <= Tolerance * Math.Max(1, c) && primal.abs().max().item<double>() <= 1e-8 && dual.norm().item<double>() <= 1e-8)
            {
                state = state with { IsMinimum = true };
                break;
            }
            double aim = Shrinking * gap;
            Tensor loose = state.Loss.div(rest).plus(state.Slack.div(state.Dual));
            Tensor wanted = state.Dual.reciprocal().times(aim).sub(state.Slack)
                .sub(rest.reciprocal().times(aim).sub(state.Loss)).sub(primal);
            Tensor right = rows.Rows.t().matmul(y.mul(wanted).div(loose)).plus(dual);
            Tensor way = linalg.solve(rows.Curvature(loose.reciprocal()), right);
            Tensor dualWay = wanted.sub(rows.Rows.matmul(way).mul(y)).div(loose);
            Tensor lossWay = rest.mul(state.Loss).neg().plus(aim).plus(state.Loss.mul(dualWay)).div(rest);
            Tensor slackWay = state.Dual.mul(state.Slack).neg().plus(aim).sub(state.Slack.mul(dualWay)).div(state.Dual);
            double length = new[]
            {
                Longest(state.Dual, dualWay), Longest(rest, dualWay.neg()), Longest(state.Loss, lossWay), Longest(state.Slack, slackWay),
            }.Min();
            State next = new(
                state.Solution.plus(way.times(length)), state.Dual.plus(dualWay.times(length)),
                state.Loss.plus(lossWay.times(length)), state.Slack.plus(slackWay.times(length)));
            state = next.MovedOut(state);
        }
        return state.IsMinimum ? rows.Back(state.Solution) : throw new InterventionException(
            $"The support vector machine found no minimum in {MostSteps} steps: scale the values, or lower C.");
    }

    /// <summary>How much of a way can be gone, at most all of it, until something positive would be 0.</summary>
    private static double Longest(Tensor positive, Tensor way)
    {
        double ratio = way.neg().div(positive).max().item<double>();
        return ratio <= Caution ? 1 : Caution / ratio;
    }

    /// <summary>Where the search is.</summary>
    /// <param name="Solution">Weights and bias, <c>[coordinate]</c>.</param>
    /// <param name="Dual">How much of each row is in the weights, from 0 to C.</param>
    /// <param name="Loss">What each row's margin lacks.</param>
    /// <param name="Slack">What it has to spare.</param>
    private sealed record State(Tensor Solution, Tensor Dual, Tensor Loss, Tensor Slack)
    {
        /// <summary>Whether it is the minimum.</summary>
        public bool IsMinimum { get; init; }

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
