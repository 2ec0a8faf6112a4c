using Interventions.ModelGraphs;

namespace Interventions;

/// <summary>
/// A generic intervention, on whatever model its type parameter stands for: <c>class Silence&lt;TModel&gt; where TModel : Gpt2Model</c>. Names are
/// compared with the constraint's sites, and with everything that a model says wherever the class is closed: <c>new Silence&lt;Gpt2Small&gt;()</c>.
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
    /// <summary>The prompt set, a <c>[PromptSchema]</c> type. Default: <c>PromptPairs</c> (runs clean and corrupted, position end, answers correct and wrong).</summary>
    public Type? Prompts { get; init; }
}

/// <summary>An intervention on <typeparamref name="TModel"/>, with the default vocabulary (runs clean and corrupted, position end, answers correct and wrong).</summary>
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

/// <summary>An intervention on <typeparamref name="TModel"/> over prompts of <typeparamref name="TPrompts"/>. The class is <see langword="partial"/>; the generator adds <c>Graph</c>, <c>Run</c> and the result type.</summary>
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

/// <summary>Overwrites the selected values of a site with what the method returns. Parameters say what it reads: a bare <c>Tensor</c> is the selected value itself.</summary>
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
public sealed class PatchAttribute(string site) : Attribute
{
    /// <summary>The site path, selectors included.</summary>
    public string Site { get; } = site;

    /// <summary>The derived run that is written, see <see cref="RunAttribute"/>. Default: the changed run.</summary>
    public string? In { get; init; }

    /// <summary>When it happens: writes of a lower order come first, those of equal order as the text has them. Default: 0.</summary>
    public int Order { get; init; }
}

/// <summary>Keeps what the method returns on the result, under the method's name; a wildcard stacks the sites along a new first axis.</summary>
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

    /// <summary>Whether to keep the value as it was before this declaration's writes to the site. Default: after them.</summary>
    public bool BeforeWrites { get; init; }
}

/// <summary>
/// Keeps the gradient of the metric, summed over the batch, with respect to the site's selected values in the same run; other runs are constants. The method's
/// first bare <c>Tensor</c> is the gradient, a second one the value itself, both <c>[batch, …]</c> with every axis kept.
/// </summary>
/// <example><code>
/// [Intervention&lt;Gpt2Small&gt;]
/// public sealed partial class Attribution
/// {
///     [Gradient("blocks.*.attn.z")]
///     static Tensor Estimate(Tensor gradient, Tensor z, [From("corrupted")] Tensor corrupted) =&gt; (gradient * (corrupted - z)).sum([1L, 3L]);
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

/// <summary>A number a prompt, kept on the result under the method's name: returns <c>[batch]</c>.</summary>
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

/// <summary>Reads the value in another run: of the method's own site and selection, or of <see cref="Site"/>.</summary>
/// <example><code>
/// [Intervention&lt;Gpt2Small&gt;]
/// public sealed partial class AcrossLayers
/// {
///     [Patch("blocks.2.resid_post[pos=end]")]
///     static Tensor Later([From("corrupted", "blocks.8.resid_post[pos=end]")] Tensor later) =&gt; later;
///
///     [Metric]
///     static Tensor LogitDifference([Logit("correct")] Tensor correct, [Logit("wrong")] Tensor wrong) =&gt; correct - wrong;
/// }
/// </code></example>
[AttributeUsage(AttributeTargets.Parameter)]
public sealed class FromAttribute(string run) : Attribute
{
    /// <summary>Reads another site of that run.</summary>
    public FromAttribute(string run, string site)
        : this(run) => Site = site;

    /// <summary>The run's name.</summary>
    public string Run { get; } = run;

    /// <summary>The site path; <see langword="null"/> means the method's own site.</summary>
    public string? Site { get; }
}

/// <summary>Reads the logit of an answer token: <c>[batch]</c>.</summary>
/// <example><code>
/// [Intervention&lt;Gpt2Small&gt;]
/// [Zero("blocks.{layer}.attn_out")]
/// public sealed partial class Answers
/// {
///     [Metric]
///     static Tensor Change([Logit("correct")] Tensor now, [Logit("correct", Run = "clean")] Tensor before) =&gt; now - before;
/// }
/// </code></example>
[AttributeUsage(AttributeTargets.Parameter)]
public sealed class LogitAttribute(string answer) : Attribute
{
    /// <summary>The answer's name.</summary>
    public string Answer { get; } = answer;

    /// <summary>The position's name, optionally with an offset (<c>S1+1</c>). Default: <c>end</c>.</summary>
    public string At { get; init; } = "end";

    /// <summary>The run whose logit is read. Default: the run that is measured.</summary>
    public string? Run { get; init; }
}

/// <summary>Reads all logits at a position: <c>[batch, vocab]</c>.</summary>
/// <example><code>
/// [Intervention&lt;Gpt2Small&gt;]
/// [Zero("blocks.{layer}.mlp_out")]
/// public sealed partial class Distance
/// {
///     [Metric]
///     static Tensor Divergence([Logits] Tensor logits, [Logits(Run = "clean")] Tensor clean) =&gt;
///         (clean.softmax(-1) * (clean.log_softmax(-1) - logits.log_softmax(-1))).sum(-1);
/// }
/// </code></example>
[AttributeUsage(AttributeTargets.Parameter)]
public sealed class LogitsAttribute : Attribute
{
    /// <summary>The position's name, optionally with an offset (<c>S1+1</c>). Default: <c>end</c>.</summary>
    public string At { get; init; } = "end";

    /// <summary>The run whose logits are read. Default: the run that is measured.</summary>
    public string? Run { get; init; }
}

/// <summary>Reads the token ids of an answer: <c>[batch]</c>, int64.</summary>
/// <example><code>
/// [Intervention&lt;Gpt2Small&gt;]
/// [Zero("blocks.{layer}.attn_out")]
/// public sealed partial class Likelihood
/// {
///     [Metric]
///     static Tensor LogProbability([Logits] Tensor logits, [Answer("correct")] Tensor correct) =&gt;
///         logits.log_softmax(-1).gather(1, correct.unsqueeze(1)).squeeze(1);
/// }
/// </code></example>
[AttributeUsage(AttributeTargets.Parameter)]
public sealed class AnswerAttribute(string answer) : Attribute
{
    /// <summary>The answer's name.</summary>
    public string Answer { get; } = answer;
}

/// <summary>
/// Reads the selected values of another site in the same run, after that site's writes: in a metric, capture or gradient of any site, in a patch of one that is computed before the
/// patched one. What a patch reads so is differentiated through.
/// </summary>
/// <example><code>
/// [Intervention&lt;Gpt2Small&gt;]
/// [Zero("blocks.0.mlp_out")]
/// public sealed partial class Norms
/// {
///     [Metric]
///     static Tensor Norm([ValueOf("blocks.11.resid_post[pos=end]")] Tensor resid) =&gt; resid.pow(2).sum([1L, 2L]);
///
///     [Patch("blocks.6.mlp_out")]
///     static Tensor WithoutEmbedding(Tensor mlp, [ValueOf("embed")] Tensor embed) =&gt; mlp - embed;
/// }
/// </code></example>
[AttributeUsage(AttributeTargets.Parameter)]
public sealed class ValueOfAttribute(string site) : Attribute
{
    /// <summary>The site path, selectors included; one site.</summary>
    public string Site { get; } = site;
}
