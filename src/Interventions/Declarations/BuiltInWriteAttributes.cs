namespace Interventions;

/// <summary>A built-in write, without a method: on the class, or on the property that holds its tensor.</summary>
public abstract class BuiltInWriteAttribute(string site) : Attribute
{
    /// <summary>The site path, selectors included.</summary>
    public string Site { get; } = site;

    /// <summary>The derived run that is written, see <see cref="RunAttribute"/>. Default: the changed run.</summary>
    public string? In { get; init; }

    /// <summary>When it happens: writes of a lower order come first, those of equal order as the text has them. Default: 0.</summary>
    public int Order { get; init; }
}

/// <summary>Zero ablation: overwrites the selected values with 0.</summary>
/// <example><code>
/// [Intervention&lt;Gpt2Small&gt;]
/// [Zero("blocks.{layer}.attn.z[head={head}]")]
/// public sealed partial class ZeroAblation
/// {
///     [Metric]
///     static Tensor LogitDifference([Logit("correct")] Tensor correct, [Logit("wrong")] Tensor wrong) =&gt; correct - wrong;
/// }
/// </code></example>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
public sealed class ZeroAttribute(string site) : BuiltInWriteAttribute(site);

/// <summary>Multiplies the selected values.</summary>
/// <example><code>
/// [Intervention&lt;Gpt2Small&gt;]
/// [Scale("blocks.{layer}.mlp_out", 0.5)]
/// public sealed partial class Damped
/// {
///     [Metric]
///     static Tensor LogitDifference([Logit("correct")] Tensor correct, [Logit("wrong")] Tensor wrong) =&gt; correct - wrong;
/// }
/// </code></example>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
public sealed class ScaleAttribute : BuiltInWriteAttribute
{
    /// <summary>By one factor.</summary>
    public ScaleAttribute(string site, double factor)
        : base(site) => Factor = factor;

    /// <summary>By every factor that a <see cref="SweepAttribute"/> lists: <c>[Scale("…", "{factor}")]</c>.</summary>
    public ScaleAttribute(string site, string factor)
        : base(site) => FactorSweep = factor;

    /// <summary>The factor, unless it is swept.</summary>
    public double Factor { get; } = 1;

    /// <summary>The placeholder that sweeps the factor, in braces.</summary>
    public string? FactorSweep { get; }
}

/// <summary>Overwrites the selected values with those of another run.</summary>
/// <example><code>
/// [Intervention&lt;Gpt2Small&gt;]
/// [Freeze("blocks.*.attn.pattern")]
/// public sealed partial class FrozenPatterns
/// {
///     [Patch("embed")]
///     static Tensor FromCorrupted([From("corrupted")] Tensor corrupted) =&gt; corrupted;
///
///     [Metric]
///     static Tensor LogitDifference([Logit("correct")] Tensor correct, [Logit("wrong")] Tensor wrong) =&gt; correct - wrong;
/// }
/// </code></example>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
public sealed class FreezeAttribute(string site) : BuiltInWriteAttribute(site)
{
    /// <summary>The donor. Default: the run that the declaration changes, as it is without any write.</summary>
    public string? To { get; init; }
}

/// <summary>
/// Resample ablation: overwrites the selected values with those that another prompt has in a run, at that prompt's own positions. Who is whose partner depends on the seed and the
/// prompt's place in the set, never on the batch.
/// </summary>
/// <example><code>
/// [Intervention&lt;Gpt2Small&gt;]
/// [Resample("blocks.{layer}.attn.z[head={head}; pos=end]", From = "corrupted", Seed = 1)]
/// public sealed partial class ResampleAblation
/// {
///     [Metric]
///     static Tensor LogitDifference([Logit("correct")] Tensor correct, [Logit("wrong")] Tensor wrong) =&gt; correct - wrong;
/// }
/// </code></example>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
public sealed class ResampleAttribute(string site) : BuiltInWriteAttribute(site)
{
    /// <summary>The run whose values are drawn. Default: the run that the declaration changes.</summary>
    public string? From { get; init; }

    /// <summary>Equal seeds draw equal partners. Default: 0.</summary>
    public int Seed { get; init; }
}

/// <summary>
/// Mean ablation: overwrites the selected values with their mean over prompts, selected position by selected position, real tokens only. A mean is taken over the prompts of
/// the same template (<see cref="PromptTokens.Template"/>), as Wang et al. 2022 (arXiv:2211.00593) do.
/// </summary>
/// <example><code>
/// [Intervention&lt;Gpt2Small&gt;]
/// [Mean("blocks.9.attn.z[head=6,9; pos=end]", Over = nameof(Reference))]
/// public sealed partial class MeanAblation
/// {
///     public required PromptPairs Reference { get; init; } // such as the sentences of Wang et al. with three names
///
///     [Metric]
///     static Tensor LogitDifference([Logit("correct")] Tensor correct, [Logit("wrong")] Tensor wrong) =&gt; correct - wrong;
/// }
/// </code></example>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
public sealed class MeanAttribute(string site) : BuiltInWriteAttribute(site)
{
    /// <summary>The run over whose prompts the mean is taken. Default: the run that the declaration changes, or the first of <see cref="Over"/>.</summary>
    public string? From { get; init; }

    /// <summary>The property that holds the prompts over which the mean is taken. Default: those of the run itself.</summary>
    public string? Over { get; init; }

    /// <summary>Whether one mean is taken over all prompts and all selected positions. Default: one for each template and position.</summary>
    public bool Pooled { get; init; }

    /// <summary>Whether prompts of all templates count, position by position. Default: those of the prompt's own.</summary>
    public bool AcrossTemplates { get; init; }
}

/// <summary>
/// Mixes by the property's mask: mask · value + (1 − mask) · the value in another run. With <c>[Parameter]</c> the mask is learned; 1 keeps, 0 patches.
/// </summary>
/// <example><code>
/// [Intervention&lt;Gpt2Small&gt;]
/// public sealed partial class HeadMask
/// {
///     [Mix("blocks.*.attn.z", "layer", "head"), Parameter]
///     public required Tensor Mask { get; init; } // [layer, head]
///
///     [Metric]
///     static Tensor LogitDifference([Logit("correct")] Tensor correct, [Logit("wrong")] Tensor wrong) =&gt; correct - wrong;
/// }
/// </code></example>
/// <param name="site">The site path.</param>
/// <param name="axes">
/// What the mask's axes are: axes of the site in its order, with <c>layer</c> first where the path names several layers; as long as what is selected of them. None for a mask that broadcasts
/// to <c>[batch, …]</c> as it is.
/// </param>
[AttributeUsage(AttributeTargets.Property, AllowMultiple = true)]
public sealed class MixAttribute(string site, params string[] axes) : BuiltInWriteAttribute(site)
{
    /// <summary>What the mask's axes are.</summary>
    public string[] Axes { get; } = axes;

    /// <summary>The run that is mixed in. Default: <c>corrupted</c>.</summary>
    public string From { get; init; } = "corrupted";
}

/// <summary>Adds the property's tensor, a steering vector, to the selected values; it broadcasts to <c>[batch, …]</c>, most often as <c>[d_model]</c>.</summary>
/// <example><code>
/// [Intervention&lt;Gpt2Small&gt;]
/// public sealed partial class Steering
/// {
///     [Add("blocks.6.resid_pre[pos=end]", Strength = 4)]
///     public required Tensor Direction { get; init; }
///
///     [Metric]
///     static Tensor LogitDifference([Logit("correct")] Tensor correct, [Logit("wrong")] Tensor wrong) =&gt; correct - wrong;
/// }
/// </code></example>
[AttributeUsage(AttributeTargets.Property, AllowMultiple = true)]
public sealed class AddAttribute(string site) : BuiltInWriteAttribute(site)
{
    /// <summary>At every strength that a <see cref="SweepAttribute"/> lists: <c>[Add("…", "{alpha}")]</c>.</summary>
    public AddAttribute(string site, string strength)
        : this(site) => StrengthSweep = strength;

    /// <summary>What the tensor is multiplied with, unless that is swept. Default: 1.</summary>
    public double Strength { get; init; } = 1;

    /// <summary>The placeholder that sweeps the strength, in braces.</summary>
    public string? StrengthSweep { get; }
}

/// <summary>Removes the component along the property's tensor, a direction along the last axis of any length but 0: x − (x·d / d·d) d.</summary>
/// <example><code>
/// [Intervention&lt;Gpt2Small&gt;]
/// public sealed partial class DirectionAblation
/// {
///     [ProjectOut("blocks.*.resid_pre")]
///     public required Tensor Direction { get; init; }
///
///     [Metric]
///     static Tensor LogitDifference([Logit("correct")] Tensor correct, [Logit("wrong")] Tensor wrong) =&gt; correct - wrong;
/// }
/// </code></example>
[AttributeUsage(AttributeTargets.Property, AllowMultiple = true)]
public sealed class ProjectOutAttribute(string site) : BuiltInWriteAttribute(site);

/// <summary>Keeps only the component along the property's tensor, a direction along the last axis: (x·d / d·d) d.</summary>
/// <example><code>
/// [Intervention&lt;Gpt2Small&gt;]
/// public sealed partial class OneDimension
/// {
///     [ProjectOnto("blocks.6.mlp_out")]
///     public required Tensor Direction { get; init; }
///
///     [Metric]
///     static Tensor LogitDifference([Logit("correct")] Tensor correct, [Logit("wrong")] Tensor wrong) =&gt; correct - wrong;
/// }
/// </code></example>
[AttributeUsage(AttributeTargets.Property, AllowMultiple = true)]
public sealed class ProjectOntoAttribute(string site) : BuiltInWriteAttribute(site);
