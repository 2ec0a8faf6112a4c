namespace Interventions;

/// <summary>
/// Keeps the method's return value on the result, under the method's name. A path of several layers stacks them along a new
/// first axis, <c>layer</c>: the result has a <see cref="LayerStack"/>, which is asked by the layers' numbers.
/// </summary>
/// <example><code>
/// [Intervention&lt;Gpt2Small&gt;]
/// public sealed partial class Attention
/// {
///     [Capture("blocks.*.attn.pattern[query=end]")]
///     static Tensor FromEnd(Tensor pattern) =&gt; pattern.squeeze(2);
/// }
/// </code></example>
[AttributeUsage(AttributeTargets.Method)]
public sealed class CaptureAttribute(string site) : Attribute
{
    /// <summary>The site path, selectors included.</summary>
    public string Site { get; } = site;

    /// <summary>Whether the value before this declaration's writes to the site is kept. Default: false, the value after them.</summary>
    public bool BeforeWrites { get; init; }
}

/// <summary>
/// Keeps the gradient of the metric, summed over the batch, with respect to the site's selected values in the same run; other runs are
/// constants. The method's first plain <c>Tensor</c> is the gradient, a second one the value itself, both <c>[batch, …]</c> with every axis
/// kept.
/// </summary>
/// <example><code>
/// [Intervention&lt;Gpt2Small&gt;]
/// public sealed partial class Attribution
/// {
///     [Gradient("blocks.*.attn.z")]
///     static Tensor Estimate(Tensor gradient, Tensor z, [From("corrupted")] Tensor corrupted) =&gt;
///         (gradient * (corrupted - z)).sum([1L, 3L]);
///
///     [Metric]
///     static Tensor LogitDifference([Logit("correct")] Tensor correct, [Logit("wrong")] Tensor wrong) =&gt; correct - wrong;
/// }
/// </code></example>
[AttributeUsage(AttributeTargets.Method)]
public sealed class GradientAttribute(string site) : Attribute
{
    /// <summary>The site path, selectors included.</summary>
    public string Site { get; } = site;

    /// <summary>The metric's name. Default: the only metric.</summary>
    public string? Of { get; init; }
}

/// <summary>Keeps one number a prompt on the result, under the method's name: the method returns <c>[batch]</c>.</summary>
/// <example><code>
/// [Intervention&lt;Gpt2Small&gt;]
/// [Zero("blocks.{layer}.mlp_out")]
/// public sealed partial class Measured
/// {
///     [Metric]
///     static Tensor LogitDifference([Logit("correct")] Tensor correct, [Logit("wrong")] Tensor wrong) =&gt; correct - wrong;
/// }
/// </code></example>
[AttributeUsage(AttributeTargets.Method)]
public sealed class MetricAttribute : Attribute;

/// <summary>
/// Marks a trained value: a steering vector, a mask, a rotation. A run keeps the metric's gradient with respect to it, summed over the
/// prompts, as <c>…Gradient</c>. The model's own weights do not change.
/// </summary>
/// <example><code>
/// [Intervention&lt;Gpt2Small&gt;]
/// public sealed partial class TrainedSteering
/// {
///     [Parameter, Add("blocks.6.resid_pre[pos=end]")]
///     public required Tensor Direction { get; init; }
///
///     [Metric]
///     static Tensor LogitDifference([Logit("correct")] Tensor correct, [Logit("wrong")] Tensor wrong) =&gt; correct - wrong;
/// }
/// </code></example>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ParameterAttribute : Attribute
{
    /// <summary>The metric whose gradient is kept. Default: the only metric.</summary>
    public string? Of { get; init; }
}

/// <summary>
/// Promises that a patch's result at a position depends on that selected position alone: of the value, and of values of other runs there.
/// The run may then call the method for some of the selected positions, those that something reads. Without the promise a method always
/// gets all positions that it selects. Strict runs check the promise (<see cref="RunOptions.Strict"/>).
/// </summary>
/// <example><code>
/// [Intervention&lt;Gpt2Small&gt;]
/// public sealed partial class Clamped
/// {
///     [Patch("blocks.*.mlp.post"), Pointwise]
///     static Tensor Clamp(Tensor post) =&gt; post.clamp(-1, 1);
///
///     [Metric]
///     static Tensor LogitDifference([Logit("correct")] Tensor correct, [Logit("wrong")] Tensor wrong) =&gt; correct - wrong;
/// }
/// </code></example>
[AttributeUsage(AttributeTargets.Method)]
public sealed class PointwiseAttribute : Attribute;

/// <summary>
/// Says that a method mixes prompts: its result for one prompt depends on others. The method is then called once with all prompts of the
/// set. A run is refused where they do not fit into one batch (<see cref="RunOptions.BatchSize"/>) or into the memory budget
/// (<see cref="RunOptions.MemoryBudget"/>), or where their lengths differ and decide how much is selected. Every other method treats each
/// prompt alone, which strict runs check (<see cref="RunOptions.Strict"/>).
/// </summary>
/// <example><code>
/// [Intervention&lt;Gpt2Small&gt;]
/// public sealed partial class Shuffled
/// {
///     [Patch("blocks.6.resid_pre[pos=end]"), AcrossBatch]
///     static Tensor Shift(Tensor resid) =&gt; resid.roll(1, 0);
///
///     [Metric]
///     static Tensor LogitDifference([Logit("correct")] Tensor correct, [Logit("wrong")] Tensor wrong) =&gt; correct - wrong;
/// }
/// </code></example>
[AttributeUsage(AttributeTargets.Method)]
public sealed class AcrossBatchAttribute : Attribute;
