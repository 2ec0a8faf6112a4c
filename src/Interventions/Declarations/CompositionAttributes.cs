namespace Interventions;

/// <summary>Includes another intervention on the same model and prompts: its writes come first, in its own order. What it captures and measures is its own business.</summary>
/// <example><code>
/// [Intervention&lt;Gpt2Small&gt;]
/// [Zero("blocks.9.attn.z[head=6]")]
/// public sealed partial class InnerAblation
/// {
///     [Metric]
///     static Tensor LogitDifference([Logit("correct")] Tensor correct, [Logit("wrong")] Tensor wrong) =&gt; correct - wrong;
/// }
///
/// [Intervention&lt;Gpt2Small&gt;]
/// [Zero("blocks.9.attn.z[head=9]")]
/// public sealed partial class OuterAblation
/// {
///     [Include]
///     public required InnerAblation Inner { get; init; }
///
///     [Metric]
///     static Tensor LogitDifference([Logit("correct")] Tensor correct, [Logit("wrong")] Tensor wrong) =&gt; correct - wrong;
/// }
/// </code></example>
[AttributeUsage(AttributeTargets.Property)]
public sealed class IncludeAttribute : Attribute
{
    /// <summary>When its writes happen: those of a lower order come first, those of equal order as the text has them, includes before all others. Default: 0.</summary>
    public int Order { get; init; }
}

/// <summary>
/// A trained value: a steering vector, a mask, a rotation. A run keeps the metric's gradient with respect to it, summed over the prompts, as <c>…Gradient</c>; the model
/// stays frozen.
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
