namespace Interventions;

/// <summary>
/// A declared shape in named axes, which the compiler compares with the axes of the sites: of a parameter, what it reads; of what a patch returns or of a property that is written, what
/// must broadcast to the selected values, aligned at the last axis, <c>"1"</c> for an axis that is repeated. A property's tensor is measured before the pass, what a patch returns
/// when it returns.
/// </summary>
/// <param name="axes">The axes, outermost first: <c>batch</c>, <c>pos</c>, <c>d_model</c>.</param>
/// <example><code>
/// [Intervention&lt;Gpt2Small&gt;]
/// public sealed partial class Shaped
/// {
///     [Add("blocks.6.resid_pre"), Shape("d_model")]
///     public required Tensor Direction { get; init; }
///
///     [Patch("blocks.*.attn.z[head=0]")]
///     [return: Shape("batch", "pos", "head", "d_head")]
///     static Tensor Halve([Shape("batch", "pos", "head", "d_head")] Tensor z) =&gt; z / 2;
///
///     [Metric]
///     static Tensor LogitDifference([Logit("correct")] Tensor correct, [Logit("wrong")] Tensor wrong) =&gt; correct - wrong;
/// }
/// </code></example>
[AttributeUsage(AttributeTargets.Parameter | AttributeTargets.Property | AttributeTargets.ReturnValue)]
public sealed class ShapeAttribute(params string[] axes) : Attribute
{
    /// <summary>The axes, outermost first.</summary>
    public string[] Axes { get; } = axes;
}
