namespace Interventions.Features;

/// <summary>
/// Does a number answer to two properties together? Means over rows with both, one and none of them, and the excess
/// E[A∧B] − E[¬A∧B] − E[A∧¬B] + E[¬A∧¬B]: 0 where the properties add up, 1 for a neuron that is 1 where both hold, −1 where one suffices
/// (Nanda et al. 2023, fact finding).
/// </summary>
/// <param name="Both">The mean over rows with A and B.</param>
/// <param name="OnlyB">The mean over rows with B and without A.</param>
/// <param name="OnlyA">The mean over rows with A and without B.</param>
/// <param name="Neither">The mean over rows with neither.</param>
public sealed record AndTest(double Both, double OnlyB, double OnlyA, double Neither)
{
    /// <summary>E[A∧B] − E[¬A∧B] − E[A∧¬B] + E[¬A∧¬B].</summary>
    public double Excess => Both - OnlyB - OnlyA + Neither;

    /// <summary>Compares the means.</summary>
    /// <param name="values">A number each row: a neuron's, or a probe's score.</param>
    /// <param name="a">Whether each row has A.</param>
    /// <param name="b">Whether each row has B.</param>
    /// <exception cref="ArgumentException">The lists differ in length, or one of the four combinations has no row.</exception>
    public static AndTest Of(IReadOnlyList<double> values, IReadOnlyList<bool> a, IReadOnlyList<bool> b)
    {
        ArgumentNullException.ThrowIfNull(values);
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        if (a.Count != values.Count || b.Count != values.Count)
            throw new ArgumentException(
                $"There are {values.Count} values, {a.Count} and {b.Count} properties: one each is needed.", nameof(a));
        return new AndTest(Mean(true, true), Mean(false, true), Mean(true, false), Mean(false, false));

        double Mean(bool hasA, bool hasB)
        {
            double[] found = [.. values.Where((_, row) => a[row] == hasA && b[row] == hasB)];
            return found.Length > 0 ? found.Average() : throw new ArgumentException(
                $"No row is {(hasA ? "" : "not ")}A and {(hasB ? "" : "not ")}B: all four combinations are needed.", nameof(values));
        }
    }

    /// <inheritdoc/>
    public override string ToString() => FormattableString.Invariant(
        $"both {Both:g4}, only B {OnlyB:g4}, only A {OnlyA:g4}, neither {Neither:g4}: excess {Excess:+0.000;-0.000;0}");
}
