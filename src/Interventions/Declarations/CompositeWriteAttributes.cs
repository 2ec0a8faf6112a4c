namespace Interventions;

/// <summary>
/// Path patching (Wang et al. 2022, arXiv:2211.00593, appendix B): measures the direct paths from senders to receivers. In a run of its own
/// the senders have the values of another run and every other head is frozen, so that only the direct paths carry the change, through MLPs
/// unless these are frozen too. The receivers' values in that run are then written into the changed run.
/// </summary>
/// <example><code>
/// [Intervention&lt;Gpt2Small&gt;]
/// [PathPatch("blocks.{layer=0..8}.attn.z[head={head}; pos=end]", "blocks.9.attn.q_input[head=6,9; pos=end]")]
/// public sealed partial class PathToQueries
/// {
///     [Metric]
///     static Tensor LogitDifference([Logit("correct")] Tensor correct, [Logit("wrong")] Tensor wrong) =&gt; correct - wrong;
/// }
/// </code></example>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
public sealed class PathPatchAttribute : Attribute
{
    /// <summary>From one sender.</summary>
    /// <param name="sender">The sender's site path: <c>blocks.{layer}.attn.z[head={head}; pos=end]</c>.</param>
    /// <param name="receivers">
    /// The receivers' site paths: ports (<c>blocks.9.attn.q_input[head=6,9]</c>), <c>blocks.9.mlp_in</c>, or <c>logits</c>.
    /// </param>
    public PathPatchAttribute(string sender, params string[] receivers)
        : this([sender], receivers)
    {
    }

    /// <summary>From several senders at once: heads of several layers, <c>blocks.3.mlp_out</c>.</summary>
    /// <param name="senders">The senders' site paths.</param>
    /// <param name="receivers">
    /// The receivers' site paths: ports (<c>blocks.9.attn.q_input[head=6,9]</c>), <c>blocks.9.mlp_in</c>, or <c>logits</c>.
    /// </param>
    public PathPatchAttribute(string[] senders, params string[] receivers) => (Senders, Receivers) = (senders, receivers);

    /// <summary>The senders' site paths.</summary>
    public string[] Senders { get; }

    /// <summary>The receivers' site paths.</summary>
    public string[] Receivers { get; }

    /// <summary>The run whose sender values are put in. Default: <c>corrupted</c>.</summary>
    public string From { get; init; } = "corrupted";

    /// <summary>The derived run whose receivers are written, see <see cref="RunAttribute"/>. Default: the changed run.</summary>
    public string? In { get; init; }

    /// <summary>The order of the write: lower orders come first, equal orders as the text has them. Default: 0.</summary>
    public int Order { get; init; }

    /// <summary>The sites that are frozen, apart from receivers and senders. Default: every head, <c>blocks.*.attn.z</c>.</summary>
    public string[] Freeze { get; init; } = ["blocks.*.attn.z"];

    /// <summary>
    /// Whether MLPs are frozen as well, so that only the residual stream carries the change. Default: false, they are computed anew.
    /// </summary>
    public bool FreezeMlps { get; init; }
}

/// <summary>
/// Splices the property's encoder–decoder, a sparse autoencoder or a transcoder, into the model. The value of a site becomes the decoded
/// features, which can be edited, plus the error term: the part of the original that the reconstruction from unedited features lacks (Marks
/// et al. 2024, arXiv:2403.19647). The property is an <see cref="ISplice"/>, the same for every spliced layer, or a list of them, one for
/// each layer in the order of the path.
/// </summary>
/// <remarks>
/// Below the spliced site and the property's name in snake case lie further sites. They can be written, swept, captured, read and
/// differentiated like any others. Those of <c>[Splice("blocks.[4..6].resid_post")] … Sae</c> are
/// <list type="bullet">
/// <item><c>blocks.4.resid_post.sae.original</c>: the value that the model computed, with the axes of the spliced site;</item>
/// <item><c>blocks.4.resid_post.sae.features</c>: <c>[batch, pos, feature]</c>;</item>
/// <item><c>blocks.4.resid_post.sae.reconstruction</c>: the decoded features, edited ones included;</item>
/// <item><c>blocks.4.resid_post.sae.error</c>: original − decoded(unedited features).</item>
/// </list>
/// A wildcard layer names the spliced layers. An unedited splice with its error term leaves every value as it was, bit for bit; unchanged
/// runs have its features too, to be read. Once <c>error</c> itself is written or differentiated, reconstruction and error are added, which
/// is exact up to rounding. Writes that come before the splice change the encoded value, later ones the splice's result.
/// </remarks>
/// <param name="site">The site that is replaced, without selectors: a value <c>[batch, pos, …]</c> on the model's ordinary path.</param>
/// <example><code>
/// [Intervention&lt;Gpt2Small&gt;]
/// public sealed partial class FeatureAblation
/// {
///     [Splice("blocks.4.resid_post", Features = 24576)]
///     public required ISplice Sae { get; init; }
///
///     [Patch("blocks.4.resid_post.sae.features[feature={f=0..9}; pos=end]")]
///     static Tensor Silence(Tensor feature) =&gt; zeros_like(feature);
///
///     [Metric]
///     static Tensor LogitDifference([Logit("correct")] Tensor correct, [Logit("wrong")] Tensor wrong) =&gt; correct - wrong;
/// }
/// </code></example>
[AttributeUsage(AttributeTargets.Property, AllowMultiple = true)]
public sealed class SpliceAttribute(string site) : Attribute
{
    /// <summary>The path of the site that is replaced.</summary>
    public string Site { get; } = site;

    /// <summary>The order among the writes: lower orders come first, equal orders as the text has them. Default: 0.</summary>
    public int Order { get; init; }

    /// <summary>
    /// The path of the site that is encoded, where it is not the replaced one: a transcoder's <c>blocks.[4..6].mlp_in</c> for
    /// <c>blocks.[4..6].mlp_out</c>. It has as many layers as the replaced site, paired in order, or is one site that all of them read. It
    /// is computed before the replaced site. Default: the replaced site.
    /// </summary>
    public string? Reads { get; init; }

    /// <summary>
    /// Whether the changed run keeps the error term. Without it <c>error</c> is 0 there from the start, and the site's value is the
    /// reconstruction; unchanged runs stay the model. Default: true.
    /// </summary>
    public bool ErrorTerm { get; init; } = true;

    /// <summary>
    /// Whether gradients hold the error term constant, in every run, so that they pass the splice through its features only. Default:
    /// false; the gradient before an unedited splice is then the model's own.
    /// </summary>
    public bool DetachError { get; init; }

    /// <summary>
    /// The number of features, so that their indices are checked at compile time. Default: 0, not said; a run asks the property's value.
    /// </summary>
    public int Features { get; init; }
}

/// <summary>
/// Includes another intervention on the same model and prompts: its writes come first, in their own order. Its captures, gradients and
/// metrics are not included.
/// </summary>
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
    /// <summary>
    /// The order of its writes: lower orders come first, equal orders as the text has them, includes before all others. Default: 0.
    /// </summary>
    public int Order { get; init; }
}
