using Interventions.ModelGraphs;

namespace Interventions;

/// <summary>
/// A generic intervention, on any model that its type parameter allows: <c>class Silence&lt;TModel&gt; where TModel : Gpt2Model</c>. Names
/// are compared with the sites of the constraint, and, wherever the class is closed, with those of the model: <c>new
/// Silence&lt;Gpt2Small&gt;()</c>.
/// </summary>
/// <example><code>
/// [Intervention]
/// public sealed partial class HeadSweepOf&lt;TModel&gt;
///     where TModel : Gpt2Model
/// {
///     [Patch("blocks.{layer}.attn.z[head={head}; pos=end]")]
///     static Tensor FromCorrupted([From("corrupted")] Tensor corrupted) =&gt; corrupted;
/// }
/// </code></example>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class InterventionAttribute : Attribute
{
    /// <summary>
    /// The prompt set, a <c>[PromptSchema]</c> type. Default: <c>PromptPairs</c> (runs clean and corrupted, position end, answers correct
    /// and wrong).
    /// </summary>
    public Type? Prompts { get; init; }
}

/// <summary>
/// An intervention on <typeparamref name="TModel"/>, with the default vocabulary (runs clean and corrupted, position end, answers correct
/// and wrong).
/// </summary>
/// <example><code>
/// [Intervention&lt;Gpt2Small&gt;]
/// public sealed partial class LogitLens
/// {
///     [Capture("blocks.*.resid_post[pos=end]")]
///     static Tensor Residual(Tensor resid) =&gt; resid.squeeze(1);
/// }
/// </code></example>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class InterventionAttribute<TModel> : Attribute
    where TModel : HookedModel;

/// <summary>
/// An intervention on <typeparamref name="TModel"/> over prompts of <typeparamref name="TPrompts"/>. The class is
/// <see langword="partial"/>; the generator adds <c>Graph</c>, <c>Run</c> and the result type.
/// </summary>
/// <remarks>
/// What several interventions share stands in an abstract one. A partial class that derives from it is an intervention on the same model
/// and prompts, without an attribute; it has the base's members before its own, and its result derives from the base's.
/// </remarks>
/// <example><code>
/// [PromptSchema(Positions = ["IO", "S1", "S2", "end"], Answers = ["IO", "S"])]
/// public sealed partial class IoiPrompts : PromptSet;
///
/// [Intervention&lt;Gpt2Small, IoiPrompts&gt;]
/// public sealed partial class DuplicateTokens
/// {
///     [Capture("blocks.*.attn.pattern[query=S2; key=S1]")]
///     static Tensor Attention(Tensor pattern) =&gt; pattern.flatten(1);
/// }
/// </code></example>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class InterventionAttribute<TModel, TPrompts> : Attribute
    where TModel : HookedModel
    where TPrompts : IPromptSet;

/// <summary>
/// The run of the prompt set that the declaration changes. Default: the first. <c>[Changes("corrupted")]</c> with donors from clean is
/// denoising.
/// </summary>
/// <example><code>
/// [Intervention&lt;Gpt2Small&gt;]
/// [Changes("corrupted")]
/// public sealed partial class Denoising
/// {
///     [Patch("blocks.{layer}.attn.z[head={head}]")]
///     static Tensor FromClean([From("clean")] Tensor clean) =&gt; clean;
///
///     [Metric]
///     static Tensor LogitDifference([Logit("correct")] Tensor correct, [Logit("wrong")] Tensor wrong) =&gt; correct - wrong;
/// }
/// </code></example>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class ChangesAttribute(string run) : Attribute
{
    /// <summary>The run of the prompt set.</summary>
    public string Run { get; } = run;
}

/// <summary>
/// A derived run: a further run with the tokens of a run of the prompt set. Writes with <c>In = name</c> change it, and other writes read
/// it as their donor. The third pass of path patching is such a run.
/// </summary>
/// <example><code>
/// [Intervention&lt;Gpt2Small&gt;]
/// [Run("direct"), Freeze("blocks.*.attn.z", In = "direct")]
/// public sealed partial class DirectEffect
/// {
///     [Patch("blocks.4.attn.z[head=1]", In = "direct")]
///     static Tensor Sender([From("corrupted")] Tensor corrupted) =&gt; corrupted;
///
///     [Patch("blocks.9.attn.q_input[head=6]")]
///     static Tensor Receiver([From("direct")] Tensor direct) =&gt; direct;
///
///     [Metric]
///     static Tensor LogitDifference([Logit("correct")] Tensor correct, [Logit("wrong")] Tensor wrong) =&gt; correct - wrong;
/// }
/// </code></example>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
public sealed class RunAttribute(string name) : Attribute
{
    /// <summary>Its name, which no run of the prompt set has.</summary>
    public string Name { get; } = name;

    /// <summary>The run of the prompt set whose tokens it reads. Default: the run that the declaration changes.</summary>
    public string? From { get; init; }
}

/// <summary>
/// Sweeps strengths or runs: the declaration is measured at each of the listed values, one at a time. The name stands in braces wherever a
/// strength or a run may stand, and the result has an axis of that name. Placeholders in site paths need no <c>[Sweep]</c>. A placeholder
/// of runs without one goes through all runs of the prompt set.
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
    /// <summary>Sweeps numbers: strengths, factors, or a method's <see cref="SweptAttribute"/> parameter.</summary>
    /// <param name="name">The placeholder, without braces.</param>
    /// <param name="values">The numbers, in order.</param>
    public SweepAttribute(string name, params double[] values) => (Name, Values) = (name, values);

    /// <summary>Sweeps runs of the prompt set: <c>[From("{donor}")]</c>, <c>[Freeze(…, From = "{donor}")]</c>.</summary>
    /// <param name="name">The placeholder, without braces.</param>
    /// <param name="run">The first run.</param>
    /// <param name="runs">The other runs, in order.</param>
    public SweepAttribute(string name, string run, params string[] runs) => (Name, Runs) = (name, [run, .. runs]);

    /// <summary>The placeholder, without braces.</summary>
    public string Name { get; }

    /// <summary>The swept numbers; empty where runs are swept.</summary>
    public double[] Values { get; } = [];

    /// <summary>The swept runs; empty where numbers are swept.</summary>
    public string[] Runs { get; } = [];
}
