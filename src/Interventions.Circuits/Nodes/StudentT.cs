namespace Interventions.Circuits;

/// <summary>Student's t distribution.</summary>
internal static class StudentT
{
    private const double Precision = 1e-15, Tiny = 1e-300;

    // Lanczos' approximation of the gamma function with g = 7 and nine terms.
    private static readonly double[] s_lanczos =
    [
        0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905,
        -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
    ];

    /// <summary>The probability of a value above t.</summary>
    /// <param name="t">The value.</param>
    /// <param name="freedom">Degrees of freedom, above 0; infinite for the normal distribution's limit.</param>
    public static double Above(double t, double freedom)
    {
        if (double.IsInfinity(t))
            return t > 0 ? 0 : 1;
        // Beyond a million degrees the distribution is the normal one up to 1e-6.
        freedom = Math.Min(freedom, 1e6);
        double tail = Beta(freedom / (freedom + (t * t)), freedom / 2, 0.5) / 2;
        return t >= 0 ? tail : 1 - tail;
    }

    /// <summary>The value that is exceeded with a probability.</summary>
    /// <param name="probability">Above 0, below 1.</param>
    /// <param name="freedom">Degrees of freedom, above 0.</param>
    public static double Exceeded(double probability, double freedom)
    {
        (double low, double high) = (-1.0, 1.0);
        while (Above(low, freedom) < probability)
            low *= 2;
        while (Above(high, freedom) > probability)
            high *= 2;
        for (int step = 0; step < 200 && high - low > Precision * Math.Max(1, Math.Abs(low)); step++)
        {
            double middle = (low + high) / 2;
            (low, high) = Above(middle, freedom) > probability ? (middle, high) : (low, middle);
        }
        return (low + high) / 2;
    }

    /// <summary>The regularised incomplete beta function.</summary>
    private static double Beta(double x, double a, double b)
    {
        if (x is <= 0 or >= 1)
            return x <= 0 ? 0 : 1;
        double front = Math.Exp(
            LogGamma(a + b) - LogGamma(a) - LogGamma(b) + (a * Math.Log(x)) + (b * Math.Log(1 - x)));
        // The continued fraction converges fast below the mean, and the function is symmetric.
        return x < (a + 1) / (a + b + 2) ? front * Fraction(x, a, b) / a : 1 - (front * Fraction(1 - x, b, a) / b);
    }

    /// <summary>The continued fraction of the incomplete beta function, by Lentz' method.</summary>
    private static double Fraction(double x, double a, double b)
    {
        double c = 1, d = Inverse(1 - ((a + b) * x / (a + 1))), fraction = d;
        for (int m = 1; m <= 10_000; m++)
        {
            double even = m * (b - m) * x / ((a + (2 * m) - 1) * (a + (2 * m)));
            double odd = -(a + m) * (a + b + m) * x / ((a + (2 * m)) * (a + (2 * m) + 1));
            double change = 1;
            foreach (double term in (double[])[even, odd])
            {
                d = Inverse(1 + (term * d));
                c = 1 + (term / c);
                c = Math.Abs(c) < Tiny ? Tiny : c;
                change = c * d;
                fraction *= change;
            }
            if (Math.Abs(change - 1) < Precision)
                break;
        }
        return fraction;

        static double Inverse(double value) => 1 / (Math.Abs(value) < Tiny ? Tiny : value);
    }

    private static double LogGamma(double x)
    {
        double sum = s_lanczos[0], top = x + 6.5;
        for (int i = 1; i < s_lanczos.Length; i++)
            sum += s_lanczos[i] / (x - 1 + i);
        return (0.5 * Math.Log(2 * Math.PI)) + ((x - 0.5) * Math.Log(top)) - top + Math.Log(sum);
    }
}
