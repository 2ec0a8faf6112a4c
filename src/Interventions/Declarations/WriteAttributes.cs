using System.ComponentModel;

namespace Interventions;

/// <summary>
/// The base of attributes that write one site path: on a method, on the class, or on the property that holds the written tensor.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract class WriteAttribute(string site) : Attribute
{
    /// <summary>The site path, selectors included.</summary>
    public string Site { get; } = site;

    /// <summary>The derived run that is written, see <see cref="RunAttribute"/>. Default: the changed run.</summary>
    public string? In { get; init; }

    /// <summary>The order of the write: lower orders come first, equal orders as the text has them. Default: 0.</summary>
    public int Order { get; init; }
}

/// <summary>
/// Overwrites the selected values of a site with the values that the method returns. Its parameters say what it reads: a plain
/// <c>Tensor</c> is the selected value.
/// </summary>
/// <example><code>
/// [Intervention&lt;Gpt2Small&gt;]
/// public sealed partial class HeadSweep
/// {
///     [Patch("blocks.{layer}.attn.z[head={head}; pos=end]")]
///     static Tensor FromCorrupted([From("corrupted")] Tensor corrupted) =&gt; corrupted;
///
///     [Metric]
///     static Tensor LogitDifference([Logit("correct")] Tensor correct, [Logit("wrong")] Tensor wrong) =&gt; correct - wrong;
/// }
/// </code></example>
[AttributeUsage(AttributeTargets.Method)]
public sealed class PatchAttribute(string site) : WriteAttribute(site);

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
public sealed class ZeroAttribute(string site) : WriteAttribute(site);

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
public sealed class ScaleAttribute : WriteAttribute
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
public sealed class FreezeAttribute(string site) : WriteAttribute(site)
{
    /// <summary>The run whose values are taken. Default: the run that the declaration changes, as it is without any write.</summary>
    public string? From { get; init; }
}

/// <summary>
/// Resample ablation: overwrites the selected values with those of another prompt in a run, at that prompt's own positions. The seed and
/// the prompt's place in the set decide which other prompt; the batch does not.
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
public sealed class ResampleAttribute(string site) : WriteAttribute(site)
{
    /// <summary>The run whose values are drawn. Default: the run that the declaration changes.</summary>
    public string? From { get; init; }

    /// <summary>The seed: equal seeds draw equal prompts. Default: 0.</summary>
    public int Seed { get; init; }
}

/// <summary>
/// Mean ablation: overwrites the selected values with their mean over prompts, one mean for each selected position, over real tokens only.
/// A mean is taken over the prompts of the same template (<see cref="PromptTokens.Template"/>), as Wang et al. 2022 (arXiv:2211.00593) do.
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
public sealed class MeanAttribute(string site) : WriteAttribute(site)
{
    /// <summary>
    /// The run over whose prompts the mean is taken. Default: the run that the declaration changes, or the first run of <see cref="Over"/>.
    /// </summary>
    public string? From { get; init; }

    /// <summary>The property that holds the prompts over which the mean is taken. Default: the prompts of the run itself.</summary>
    public string? Over { get; init; }

    /// <summary>
    /// Whether one mean is taken over all prompts and all selected positions. Default: one for each template and position.
    /// </summary>
    public bool Pooled { get; init; }

    /// <summary>Whether prompts of all templates count, position by position. Default: only prompts of the same template count.</summary>
    public bool AcrossTemplates { get; init; }
}

/// <summary>
/// Mixes the value with another one by the property's mask: mask · value + (1 − mask) · the other value. 1 keeps, 0 ablates: a circuit is
/// kept, and the rest has its mean, 0, another prompt's values or another run's. The mask is of bools or of numbers; with
/// <c>[Parameter]</c> it is learned.
/// </summary>
/// <example><code>
/// [Intervention&lt;Gpt2Small&gt;]
/// public sealed partial class HeadMask
/// {
///     [Mix("blocks.*.attn.z", "layer", "head", Ablation = Ablation.Mean)]
///     public required Tensor Heads { get; init; } // [layer, head]
///
///     [Mix("blocks.*.mlp_out", "layer", Ablation = Ablation.Mean)]
///     public required Tensor Mlps { get; init; } // [layer]
///
///     [Metric]
///     static Tensor LogitDifference([Logit("correct")] Tensor correct, [Logit("wrong")] Tensor wrong) =&gt; correct - wrong;
/// }
/// </code></example>
/// <param name="site">The site path.</param>
/// <param name="axes">
/// The axes of the mask: axes of the site in its order, with <c>layer</c> first where the path names several layers, each as long as the
/// path selects. None for a mask that broadcasts to <c>[batch, …]</c> as it is.
/// </param>
[AttributeUsage(AttributeTargets.Property, AllowMultiple = true)]
public sealed class MixAttribute(string site, params string[] axes) : WriteAttribute(site)
{
    /// <summary>The axes of the mask.</summary>
    public string[] Axes { get; } = axes;

    /// <summary>What the value is where the mask is 0. Default: its value in another run.</summary>
    public Ablation Ablation { get; init; }

    /// <summary>
    /// The run whose values, or their means, are mixed in. Default: <c>corrupted</c>; for means and other prompts the run that the
    /// declaration changes, as it is without any write.
    /// </summary>
    public string? From { get; init; }

    /// <summary>Of a mean: see <see cref="MeanAttribute.Over"/>.</summary>
    public string? Over { get; init; }

    /// <summary>Of a mean: see <see cref="MeanAttribute.Pooled"/>.</summary>
    public bool Pooled { get; init; }

    /// <summary>Of a mean: see <see cref="MeanAttribute.AcrossTemplates"/>.</summary>
    public bool AcrossTemplates { get; init; }

    /// <summary>Of other prompts: see <see cref="ResampleAttribute.Seed"/>.</summary>
    public int Seed { get; init; }
}

/// <summary>What stands for a value that a <see cref="MixAttribute"/> does not keep.</summary>
public enum Ablation
{
    /// <summary>Its value in another run.</summary>
    OtherRun,

    /// <summary>Its mean over prompts of the same template, as <see cref="MeanAttribute"/> takes it.</summary>
    Mean,

    /// <summary>0.</summary>
    Zero,

    /// <summary>The value of another prompt, as <see cref="ResampleAttribute"/> draws it.</summary>
    Resample,
}

/// <summary>
/// Adds the property's tensor, a steering vector, to the selected values. It broadcasts to <c>[batch, …]</c>; most often it is
/// <c>[d_model]</c>.
/// </summary>
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
public sealed class AddAttribute(string site) : WriteAttribute(site)
{
    /// <summary>At every strength that a <see cref="SweepAttribute"/> lists: <c>[Add("…", "{alpha}")]</c>.</summary>
    public AddAttribute(string site, string strength)
        : this(site) => StrengthSweep = strength;

    /// <summary>The factor of the tensor, unless it is swept. Default: 1.</summary>
    public double Strength { get; init; } = 1;

    /// <summary>The placeholder that sweeps the strength, in braces.</summary>
    public string? StrengthSweep { get; }
}

/// <summary>
/// Removes the component along the property's tensor, a direction along the last axis of any length but 0: x − (x·d / d·d) d.
/// </summary>
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
public sealed class ProjectOutAttribute(string site) : WriteAttribute(site);

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
public sealed class ProjectOntoAttribute(string site) : WriteAttribute(site);
