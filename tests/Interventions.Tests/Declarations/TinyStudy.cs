using Interventions.Models;
using static TorchSharp.torch;

namespace Interventions.Tests.Declarations;

[Intervention<TinyGpt2, TinyPrompts>]
public sealed partial class HeadSweep
{
    [Patch("blocks.{layer}.attn.z[head={head}; pos=end]")]
    static Tensor FromCorrupted(Tensor z, [From("corrupted")] Tensor corrupted) => corrupted;

    [Capture("blocks.*.attn.pattern[query=end]")]
    static Tensor Attention(Tensor pattern) => pattern;

    [Capture("blocks.{layer}.attn_out[pos=subject]")]
    static Tensor Written(Tensor attn_out) => attn_out.squeeze(1);

    [Metric]
    static Tensor LogitDifference([Logit("right", At = "end")] Tensor right, [Logit("wrong")] Tensor wrong) => right - wrong;
}

/// <summary>Everything that attention, feed-forward blocks and embeddings write, from another run.</summary>
[Intervention<TinyGpt2, TinyPrompts>]
public sealed partial class Everything
{
    [Patch("embed")]
    static Tensor Embedding(Tensor embed, [From("corrupted")] Tensor corrupted) => corrupted;

    [Patch("blocks.*.attn.z[head=0,1]")]
    static Tensor FirstHeads(Tensor z, [From("corrupted")] Tensor corrupted) => corrupted;

    [Patch("blocks.*.attn.z[head=2]")]
    static Tensor LastHead(Tensor z, [From("corrupted")] Tensor corrupted) => corrupted;

    [Patch("blocks.*.mlp_out")]
    static Tensor FeedForward([From("corrupted")] Tensor corrupted) => corrupted;

    [Capture("logits")]
    static Tensor Logits(Tensor logits) => logits;
}

[Intervention<TinyGpt2, TinyPrompts>]
public sealed partial class Steering
{
    /// <summary>Added to the residual stream: [d_model].</summary>
    public required Tensor Direction { get; init; }

    public double Strength { get; init; } = 1;

    [Patch("blocks.1.resid_pre[pos=subject+1]")]
    Tensor Add(Tensor resid) => resid + (Direction * Strength);

    [Capture("blocks.1.resid_pre")]
    static Tensor Residual(Tensor resid) => resid;
}

[Intervention<TinyGpt2>]
public sealed partial class DefaultVocabulary
{
    [Capture("blocks.1.resid_post[pos=end]")]
    static Tensor Last(Tensor resid) => resid.squeeze(1);

    [Metric]
    static Tensor Correct([Logit("correct")] Tensor correct) => correct;
}
