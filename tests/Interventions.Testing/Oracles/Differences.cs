namespace Interventions.Testing.Oracles;

/// <summary>Derivatives without calculus.</summary>
public static class Differences
{
    /// <summary>
    /// The slope of a function at 0 by central differences of fourth order: models of random weights bend so much that plain ones are off
    /// by more than tests tolerate.
    /// </summary>
    public static double Central(Func<double, double> function, double step = 1e-5) =>
        ((8 * (function(step) - function(-step))) - (function(2 * step) - function(-2 * step))) / (12 * step);
}
