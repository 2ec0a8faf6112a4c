namespace Interventions;

/// <summary>Says which run of the prompt set the declaration changes. Default: the first. <c>[Changes("corrupted")]</c> with donors from clean is denoising.</summary>
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
/// A further run, of the tokens of another, that the declaration's writes with <c>In = name</c> change and that other reads name as their donor. Path patching's
/// third pass is one.
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
    public string? Of { get; init; }
}
