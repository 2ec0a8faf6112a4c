namespace Interventions;

/// <summary>
/// Path patching (Wang et al. 2022, arXiv:2211.00593, appendix B): what reaches the receivers when the senders are those of another run and every other head is
/// frozen, so that only the direct paths, through MLPs unless they are frozen too, carry the change. The receivers' values of that pass are written into the changed run.
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
public sealed class PathPatchAttribute(string sender, params string[] receivers) : Attribute
{
    /// <summary>The sender's site path: <c>blocks.{layer}.attn.z[head={head}; pos=end]</c>.</summary>
    public string Sender { get; } = sender;

    /// <summary>The receivers' site paths: ports (<c>blocks.9.attn.q_input[head=6,9]</c>), <c>blocks.9.mlp_in</c>, or <c>logits</c>.</summary>
    public string[] Receivers { get; } = receivers;

    /// <summary>Further senders, of the same run: heads of other layers, <c>blocks.3.mlp_out</c>.</summary>
    public string[] Senders { get; init; } = [];

    /// <summary>What is frozen to the changed run, receivers and senders apart. Default: every head, <c>blocks.*.attn.z</c>.</summary>
    public string[] Freeze { get; init; } = ["blocks.*.attn.z"];

    /// <summary>The run whose sender is put in. Default: <c>corrupted</c>.</summary>
    public string From { get; init; } = "corrupted";

    /// <summary>Whether MLPs are frozen as well: only the residual stream carries the change. Default: they are computed anew.</summary>
    public bool FreezeMlps { get; init; }

    /// <summary>When it happens: writes of a lower order come first, those of equal order as the text has them. Default: 0.</summary>
    public int Order { get; init; }
}
