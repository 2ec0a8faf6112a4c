namespace Interventions;

/// <summary>
/// Promises that what a patch returns at a position depends on that selected position alone: of the value, and of what other runs have there. The run may then call the method for some of the
/// selected positions only, those that something reads. Without it a method always gets all that it selects. Strict runs check it (<c>RunOptions.Strict</c>).
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
/// Says that a method mixes prompts: what it returns of one depends on others. It is then called once with all prompts of the set, so that they must fit into one batch
/// (<c>RunOptions.BatchSize</c>), and where their length decides how much is selected, be equally long; else the run is refused, as it is where they do not fit into <c>RunOptions.MemoryBudget</c>. Every other method treats each prompt alone, which
/// strict runs check (<c>RunOptions.Strict</c>).
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
