using System.Collections.Immutable;

namespace Interventions.Runtime;

/// <summary>What a placeholder outside site paths goes through.</summary>
/// <param name="Name">The placeholder, without braces.</param>
public abstract record SweptAxis(string Name)
{
    /// <summary>Numbers: strengths, factors.</summary>
    public static SweptAxis OfNumbers(string name, params double[] values) => new Numbers(name, [.. values]);

    /// <summary>Runs of the prompt set.</summary>
    public static SweptAxis OfRuns(string name, params string[] runs) => new Runs(name, [.. runs]);

    /// <summary>Numbers: strengths, factors.</summary>
    /// <param name="Name">The placeholder, without braces.</param>
    /// <param name="Values">At least one, each once.</param>
    public sealed record Numbers(string Name, ImmutableArray<double> Values) : SweptAxis(Name);

    /// <summary>Runs of the prompt set.</summary>
    /// <param name="Name">The placeholder, without braces.</param>
    /// <param name="Values">At least one, each once.</param>
    public sealed record Runs(string Name, ImmutableArray<string> Values) : SweptAxis(Name);
}
