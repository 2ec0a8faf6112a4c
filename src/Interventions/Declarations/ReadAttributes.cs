namespace Interventions;

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

/// <summary>
/// Reads the selected values of another site in the same run, after that site's writes. A metric, capture or gradient may read any site; a
/// patch may read a site that is computed before the patched one. Gradients flow through the read value.
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

/// <summary>
/// Reads the logit of an answer token: <c>[batch]</c>; or, named by a property that lists words, those of the words: <c>[batch, word]</c>.
/// Each word is one token, with the space in front if the tokenizer has it in the token.
/// </summary>
/// <example><code>
/// [Intervention&lt;Gpt2Small&gt;]
/// [Zero("blocks.{layer}.attn_out")]
/// public sealed partial class Answers
/// {
///     public required string[] Colours { get; init; } // " red", " green", " blue"
///
///     [Metric]
///     static Tensor Change([Logit("correct")] Tensor now, [Logit("correct", In = "clean")] Tensor before) =&gt; now - before;
///
///     [Metric]
///     static Tensor Margin([Logit("correct")] Tensor correct, [Logit(nameof(Colours))] Tensor colours) =&gt; correct - colours.amax([1L]);
/// }
/// </code></example>
[AttributeUsage(AttributeTargets.Parameter)]
public sealed class LogitAttribute(string answer) : Attribute
{
    /// <summary>The answer's name, or that of a property that lists words.</summary>
    public string Answer { get; } = answer;

    /// <summary>The position's name, optionally with an offset (<c>S1+1</c>). Default: <c>end</c>.</summary>
    public string At { get; init; } = "end";

    /// <summary>The run whose logit is read. Default: the run that is measured.</summary>
    public string? In { get; init; }
}

/// <summary>Reads all logits at a position: <c>[batch, vocab]</c>.</summary>
/// <example><code>
/// [Intervention&lt;Gpt2Small&gt;]
/// [Zero("blocks.{layer}.mlp_out")]
/// public sealed partial class Distance
/// {
///     [Metric]
///     static Tensor Divergence([Logits] Tensor logits, [Logits(In = "clean")] Tensor clean) =&gt;
///         (clean.softmax(-1) * (clean.log_softmax(-1) - logits.log_softmax(-1))).sum(-1);
/// }
/// </code></example>
[AttributeUsage(AttributeTargets.Parameter)]
public sealed class LogitsAttribute : Attribute
{
    /// <summary>The position's name, optionally with an offset (<c>S1+1</c>). Default: <c>end</c>.</summary>
    public string At { get; init; } = "end";

    /// <summary>The run whose logits are read. Default: the run that is measured.</summary>
    public string? In { get; init; }
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

/// <summary>Reads the number at which a <see cref="SweepAttribute"/> stands; on a parameter of type <see langword="double"/>.</summary>
/// <example><code>
/// [Intervention&lt;Gpt2Small&gt;]
/// [Sweep("factor", 1, 2, 4)]
/// public sealed partial class Sharpened
/// {
///     [Patch("blocks.9.attn.scores[head=6]")]
///     static Tensor Sharper(Tensor scores, [Swept("factor")] double factor) =&gt; scores * factor;
///
///     [Metric]
///     static Tensor LogitDifference([Logit("correct")] Tensor correct, [Logit("wrong")] Tensor wrong) =&gt; correct - wrong;
/// }
/// </code></example>
[AttributeUsage(AttributeTargets.Parameter)]
public sealed class SweptAttribute(string name) : Attribute
{
    /// <summary>The placeholder, without braces.</summary>
    public string Name { get; } = name;
}

/// <summary>
/// Declares a shape in named axes, which the compiler compares with the axes of the sites: of a parameter, the shape that it reads; of a
/// patch's return value or of a written property, a shape that broadcasts to the selected values, aligned at the last axis, with <c>"1"</c>
/// for an axis that is repeated. A property's tensor is measured before the pass, a patch's result when the method returns.
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
