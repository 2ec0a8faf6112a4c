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
/// Says what placeholders go through, one value at a time: strengths, runs, or the points of several placeholders together. The name stands
/// in braces wherever a strength, a run, a layer or an index may stand, and the result has an axis for it. Placeholders in site paths need
/// no <c>[Sweep]</c>: without one they go through every combination of their values. A placeholder of runs without one goes through all
/// runs of the prompt set.
/// </summary>
/// <remarks>
/// On a property, the property's list is swept, which is known when the declaration runs: of <see cref="int"/>, <see cref="double"/> or
/// <see cref="string"/> for one placeholder, of tuples of them for several. Every point is compared with the model before the first pass.
/// </remarks>
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
///
/// [Intervention&lt;Gpt2Small&gt;]
/// [Zero("blocks.{layer}.attn.z[head={head}; pos=end]")]
/// public sealed partial class SomeHeads
/// {
///     [Sweep("layer, head")]
///     public required (int Layer, int Head)[] Heads { get; init; } // run.LogitDifference[layer: 9, head: 6]
///
///     [Metric]
///     static Tensor LogitDifference([Logit("correct")] Tensor correct, [Logit("wrong")] Tensor wrong) =&gt; correct - wrong;
/// }
/// </code></example>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Property, AllowMultiple = true, Inherited = false)]
public sealed class SweepAttribute : Attribute
{
    /// <summary>
    /// Sweeps numbers: strengths, factors, indices, or a method's <see cref="SweptAttribute"/> parameter. On a property, what it holds.
    /// </summary>
    /// <param name="name">The placeholder, without braces; on a property also several, parted by commas.</param>
    /// <param name="values">The numbers, in order; none on a property.</param>
    public SweepAttribute(string name, params double[] values) => (Name, Values) = (name, values);

    /// <summary>
    /// Sweeps runs of the prompt set (<c>[From("{donor}")]</c>, <c>[Freeze(…, From = "{donor}")]</c>), named positions, or the points of
    /// several placeholders: <c>[Sweep("layer, head", "23.3", "20.0")]</c>.
    /// </summary>
    /// <param name="name">The placeholder, without braces; several are parted by commas.</param>
    /// <param name="run">The first run, position or point: coordinates parted by dots, or by commas where one has a dot.</param>
    /// <param name="runs">The others, in order.</param>
    public SweepAttribute(string name, string run, params string[] runs) => (Name, Runs) = (name, [run, .. runs]);

    /// <summary>The placeholder, without braces; several are parted by commas.</summary>
    public string Name { get; }

    /// <summary>The swept numbers; empty where names or points are swept.</summary>
    public double[] Values { get; } = [];

    /// <summary>The swept runs, positions or points; empty where numbers are swept.</summary>
    public string[] Runs { get; } = [];
}
