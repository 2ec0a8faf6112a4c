namespace Interventions;

/// <summary>
/// Sweeps strengths or runs: the declaration is measured at each of the listed values, one at a time, under the name that stands in braces wherever a strength or a run may stand. The result
/// has an axis of that name. Placeholders of site paths need no <c>[Sweep]</c>, and neither does one of runs, which then goes through all runs of the prompt set.
/// </summary>
/// <example><code>
/// [Intervention&lt;Gpt2Small&gt;]
/// [Sweep("alpha", 0.5, 1, 2, 4)]
/// public sealed partial class SweptSteering
/// {
///     [Add("blocks.{layer}.resid_pre", "{alpha}")]
///     public required Tensor Direction { get; init; }
///
///     [Metric]
///     static Tensor LogitDifference([Logit("correct")] Tensor correct, [Logit("wrong")] Tensor wrong) =&gt; correct - wrong;
/// }
/// </code></example>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
public sealed class SweepAttribute : Attribute
{
    /// <summary>Sweeps numbers: strengths, factors, or what a method takes as <see cref="SweptAttribute"/>.</summary>
    /// <param name="name">The placeholder, without braces.</param>
    /// <param name="values">What it goes through, in order.</param>
    public SweepAttribute(string name, params double[] values) => (Name, Values) = (name, values);

    /// <summary>Sweeps runs of the prompt set: <c>[From("{donor}")]</c>, <c>[Freeze(…, To = "{donor}")]</c>.</summary>
    /// <param name="name">The placeholder, without braces.</param>
    /// <param name="run">The first run.</param>
    /// <param name="runs">The others, in order.</param>
    public SweepAttribute(string name, string run, params string[] runs) => (Name, Runs) = (name, [run, .. runs]);

    /// <summary>The placeholder, without braces.</summary>
    public string Name { get; }

    /// <summary>The swept numbers; empty where runs are swept.</summary>
    public double[] Values { get; } = [];

    /// <summary>The swept runs; empty where numbers are swept.</summary>
    public string[] Runs { get; } = [];
}

/// <summary>Reads the number that a <see cref="SweepAttribute"/> stands at; on a parameter of type <see langword="double"/>.</summary>
/// <example><code>
/// [Intervention&lt;Gpt2Small&gt;]
/// [Sweep("factor", 1, 2, 4)]
/// public sealed partial class Sharpened
/// {
///     [Patch("blocks.9.attn.scores[head=6]")]
///     static Tensor Sharper(Tensor scores, [Swept("factor")] double factor) =&gt; scores * factor;
///
///     [Metric]
///     static Tensor LogitDifference([Logit("correct")] Tensor correct, [Logit("wrong")] Tensor wrong) =&gt; correct - wrong;
/// }
/// </code></example>
[AttributeUsage(AttributeTargets.Parameter)]
public sealed class SweptAttribute(string name) : Attribute
{
    /// <summary>The placeholder, without braces.</summary>
    public string Name { get; } = name;
}
