namespace Interventions;

/// <summary>
/// Splices the property's encoder–decoder, a sparse autoencoder or a transcoder, into the model: a site's value becomes what is decoded from its features, which can be edited, plus
/// the error term, what the unedited features' reconstruction lacks of the original (Marks et al. 2024, arXiv:2403.19647). The property is an <see cref="ISplice"/>, for every
/// spliced layer the same, or a list of them, one for each layer in the order of the path.
/// </summary>
/// <remarks>
/// Below the spliced site and the property's name in snake case lie sites like any others, which can be written, swept, captured, read and differentiated. Of
/// <c>[Splice("blocks.[4..6].resid_post")] … Sae</c> they are
/// <list type="bullet">
/// <item><c>blocks.4.resid_post.sae.original</c>: the value that the model computed, with the axes of the spliced site;</item>
/// <item><c>blocks.4.resid_post.sae.features</c>: <c>[batch, pos, feature]</c>;</item>
/// <item><c>blocks.4.resid_post.sae.reconstruction</c>: what is decoded from the features, edited ones included;</item>
/// <item><c>blocks.4.resid_post.sae.error</c>: original − decoded(unedited features).</item>
/// </list>
/// A wildcard layer names the spliced layers. An unedited splice with its error term leaves every value as it was, bit for bit, also in unchanged runs, whose features can be read
/// nevertheless; once <c>error</c> itself is written or differentiated, reconstruction and error are added, which is exact up to rounding. Writes that stand before the splice change
/// what is encoded, later ones what it gave.
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
    /// <summary>The path of what is replaced.</summary>
    public string Site { get; } = site;

    /// <summary>
    /// The path of what is encoded, where it is not what is replaced: a transcoder's <c>blocks.[4..6].mlp_in</c> for <c>blocks.[4..6].mlp_out</c>. As many layers as the replaced
    /// site has, paired in order, or one site that all of them read; computed before it.
    /// </summary>
    public string? Reads { get; init; }

    /// <summary>
    /// Whether the changed run keeps the error term. Without it <c>error</c> is 0 there from the start, and the site's value is the reconstruction; unchanged runs stay the model.
    /// Default: it does.
    /// </summary>
    public bool ErrorTerm { get; init; } = true;

    /// <summary>
    /// Whether gradients hold the error term constant, in every run, so that they reach what lies before the splice through its features only. Default: they do not, and
    /// the gradient before an unedited splice is the model's own.
    /// </summary>
    public bool DetachError { get; init; }

    /// <summary>How many features there are, so that their indices are checked at compile time. Default (0): not said; a run asks the property's value.</summary>
    public int Features { get; init; }
}
