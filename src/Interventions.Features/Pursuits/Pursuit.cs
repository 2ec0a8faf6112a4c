using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>How a pursuit takes one more atom, and finds the coefficients of those that it has.</summary>
public enum PursuitRule
{
    /// <summary>The atom with the largest product by absolute value, which is added to its coefficient (Mallat and Zhang 1993).</summary>
    Matching,

    /// <summary>The atom with the largest product; its coefficient grows by the product where that is positive.</summary>
    MatchingPositive,

    /// <summary>The largest by absolute value; all coefficients by least squares (Pati et al. 1993).</summary>
    Orthogonal,

    /// <summary>The largest; all coefficients by least squares among those that are not negative.</summary>
    OrthogonalPositive,

    /// <summary>
    /// The largest; all coefficients one step along the gradient, cut off at 0. Atoms that are cut off leave (Blumensath and Davies 2008;
    /// for dictionaries of features Smith 2024).
    /// </summary>
    Gradient,

    /// <summary>As <see cref="Gradient"/>, but an atom that was chosen stays a candidate of every later step.</summary>
    GradientKeepingAtoms,
}

/// <summary>Codes by a pursuit.</summary>
/// <param name="Codes">Coefficients, <c>[row, feature]</c>.</param>
/// <param name="Picks">The atom that each step took, <c>[step, row]</c>.</param>
/// <param name="RelativeErrors">‖y − x̂‖ / ‖y‖ after each step, <c>[step, row]</c>.</param>
public sealed record PursuitResult(Tensor Codes, Tensor Picks, Tensor RelativeErrors) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        Codes.Dispose();
        Picks.Dispose();
        RelativeErrors.Dispose();
    }
}

/// <summary>
/// Inference-time optimisation: codes of few atoms of a dictionary, found for each value anew instead of by an encoder. Each step costs
/// two products of all rows with the dictionary.
/// </summary>
public static class Pursuit
{
    /// <summary>Below this a step's direction, or what is left, is 0: a step along it would be a division by 0.</summary>
    private const double Nothing = 1e-12;

    /// <summary>Codes rows by a pursuit.</summary>
    /// <param name="y">
    /// What is to be coded, <c>[row, d]</c>: of a dictionary's values x − b_dec, after its normalisation.
    /// </param>
    /// <param name="dictionary">Atoms of norm 1, <c>[feature, d]</c>.</param>
    /// <param name="steps">How many atoms are taken at most.</param>
    /// <param name="rule">How.</param>
    /// <param name="cancellationToken">Looked at between steps.</param>
    /// <exception cref="ArgumentException">The shapes do not fit, or atoms have other norms than 1.</exception>
    public static PursuitResult Of(
        Tensor y, Tensor dictionary, int steps, PursuitRule rule = PursuitRule.Gradient, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(y);
        ArgumentNullException.ThrowIfNull(dictionary);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(steps);
        if (y.dim() != 2 || dictionary.dim() != 2 || y.shape[1] != dictionary.shape[1] || y.dtype != dictionary.dtype)
            throw new ArgumentException(
                $"Rows are [row, d] and a dictionary is [feature, d], of one type: these are {Shapes.Describe(y)} of {y.dtype} and "
                + $"{Shapes.Describe(dictionary)} of {dictionary.dtype}.", nameof(y));
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        CheckNorms(dictionary);
        Tensor norms = y.norm(-1).at_least(Nothing);
        State state = new(y.alias(), zeros(y.shape[0], dictionary.shape[0], dtype: y.dtype, device: y.device));
        Tensor[] picks = new Tensor[steps], errors = new Tensor[steps];
        for (int step = 0; step < steps; step++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            (state, picks[step]) = Next(state, y, dictionary, rule);
            errors[step] = state.Residual.norm(-1).div(norms);
        }
        return new PursuitResult(
            state.Codes.MoveToOuterDisposeScope(), stack(picks).MoveToOuterDisposeScope(), stack(errors).MoveToOuterDisposeScope());
    }

    private static (State State, Tensor Pick) Next(State state, Tensor y, Tensor dictionary, PursuitRule rule)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor products = state.Residual.matmul(dictionary.t());
        bool isSigned = rule is PursuitRule.Matching or PursuitRule.Orthogonal;
        Tensor pick = (isSigned ? products.abs() : products).argmax(-1, keepdim: true);
        State next = rule switch
        {
            PursuitRule.Matching or PursuitRule.MatchingPositive => Matching(state, dictionary, products, pick, isSigned),
            PursuitRule.Orthogonal or PursuitRule.OrthogonalPositive => Orthogonal(state, y, dictionary, products, pick, isSigned),
            PursuitRule.Gradient or PursuitRule.GradientKeepingAtoms =>
                Gradient(state, y, dictionary, products, pick, rule == PursuitRule.GradientKeepingAtoms),
            _ => throw new ArgumentOutOfRangeException(nameof(rule), rule, "There is no such rule."),
        };
        return (next.MovedOut(state), pick.squeeze(-1).MoveToOuterDisposeScope());
    }

    private static State Matching(State state, Tensor dictionary, Tensor products, Tensor pick, bool isSigned)
    {
        Tensor amount = products.gather(-1, pick);
        if (!isSigned)
            amount = amount.relu();
        return state with
        {
            Residual = state.Residual.sub(amount.mul(dictionary.index_select(0, pick.squeeze(-1)))),
            Codes = state.Codes.scatter_add(-1, pick, amount),
        };
    }

    private static State Orthogonal(State state, Tensor y, Tensor dictionary, Tensor products, Tensor pick, bool isSigned)
    {
        // An atom whose product is 0 (or less, where coefficients may not be) would add nothing, and make the equations singular.
        Tensor amount = products.gather(-1, pick), size = isSigned ? amount.abs() : amount;
        Tensor atoms = state.Atoms is null ? pick : cat([state.Atoms, pick], -1);
        Tensor isUsed = size.no_less_than(Nothing);
        Tensor used = state.Used is null ? isUsed : cat([state.Used, isUsed], -1);
        Tensor chosen = dictionary.index_select(0, atoms.flatten()).reshape(atoms.shape[0], atoms.shape[1], -1)
            .mul(used.unsqueeze(-1).to_type(y.dtype));
        Tensor gram = chosen.bmm(chosen.transpose(1, 2)), products_of_y = chosen.bmm(y.unsqueeze(-1)).squeeze(-1);
        Tensor coefficients = LeastSquares.Solve(gram, products_of_y, used, isPositive: !isSigned);
        Tensor codes = zeros_like(state.Codes).scatter_add(-1, atoms, coefficients);
        return new State(y.sub(coefficients.unsqueeze(1).bmm(chosen).squeeze(1)), codes) { Atoms = atoms, Used = used };
    }

    private static State Gradient(State state, Tensor y, Tensor dictionary, Tensor products, Tensor pick, bool keepsAtoms)
    {
        Tensor support = (state.Support is null || !keepsAtoms ? state.Codes.sign() : state.Support)
            .scatter(-1, pick, ones_like(pick).to_type(y.dtype));
        Tensor direction = support.mul(products), change = direction.matmul(dictionary);
        Tensor length = change.squared().sum([-1L], keepdim: true), along = change.mul(state.Residual).sum([-1L], keepdim: true);
        Tensor step = along.div(length.at_least(Nothing)).mul(length.no_less_than(Nothing).to_type(y.dtype));
        Tensor codes = state.Codes.plus(step.mul(direction)).relu();
        return new State(y.sub(codes.matmul(dictionary)), codes) { Support = keepsAtoms ? support : null };
    }

    private static void CheckNorms(Tensor dictionary)
    {
        double worst = dictionary.norm(-1).plus(-1.0).abs().max().to_type(ScalarType.Float64).cpu().item<double>();
        if (worst > 1e-3)
            throw new ArgumentException(
                $"Atoms of a dictionary have norm 1, and one is off by {worst:g3}: normalise its rows (Sae.FoldNorms does).",
                nameof(dictionary));
    }

    /// <summary>What a pursuit has after a step.</summary>
    /// <param name="Residual">What is left, <c>[row, d]</c>.</param>
    /// <param name="Codes"><c>[row, feature]</c>.</param>
    private sealed record State(Tensor Residual, Tensor Codes)
    {
        /// <summary>The atoms in the order of their steps, <c>[row, step]</c>, where they are needed.</summary>
        public Tensor? Atoms { get; init; }

        /// <summary>Which of these were of any use, <c>[row, step]</c>.</summary>
        public Tensor? Used { get; init; }

        /// <summary>1 at every atom that was ever taken, <c>[row, feature]</c>, where it is needed.</summary>
        public Tensor? Support { get; init; }

        /// <summary>Keeps this beyond the current scope, and frees the state before it.</summary>
        public State MovedOut(State before)
        {
            foreach (Tensor? tensor in All)
                tensor?.MoveToOuterDisposeScope();
            foreach (Tensor? tensor in before.All)
                tensor?.Dispose();
            return this;
        }

        private Tensor?[] All => [Residual, Codes, Atoms, Used, Support];
    }
}
