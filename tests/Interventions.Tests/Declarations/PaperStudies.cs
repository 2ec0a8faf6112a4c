using static TorchSharp.torch;

namespace Interventions.Tests.Declarations;

/// <summary>
/// Denoising: which head, put back from the clean prompt, restores the answer (Meng et al. 2022, arXiv:2202.05262; Heimersheim and Nanda
/// 2024).
/// </summary>
[Intervention<TinyGpt2, TinyPrompts>]
[Changes("corrupted")]
public sealed partial class Denoising
{
    [Patch("blocks.{layer}.attn.z[head={head}]")]
    static Tensor FromClean([From("clean")] Tensor clean) => clean;

    [Metric]
    static Tensor LogitDifference([Logit("right")] Tensor right, [Logit("wrong")] Tensor wrong) => right - wrong;
}

/// <summary>Path patching from every head of layer 0 to the queries of layer 1 (Wang et al. 2022, arXiv:2211.00593).</summary>
[Intervention<TinyGpt2, TinyPrompts>]
[PathPatch("blocks.0.attn.z[head={sender}; pos=end]", "blocks.1.attn.q_input[head=0,1; pos=end]", "blocks.1.attn.q_input[head=2; pos=end]")]
public sealed partial class PathToQueries
{
    [Metric]
    static Tensor LogitDifference([Logit("right")] Tensor right, [Logit("wrong")] Tensor wrong) => right - wrong;
}

/// <summary>The same passes, written out as a derived run.</summary>
[Intervention<TinyGpt2, TinyPrompts>]
[Run("direct")]
[Freeze("blocks.*.attn.z", In = "direct")]
public sealed partial class PathByHand
{
    [Patch("blocks.0.attn.z[head={sender}; pos=end]", In = "direct")]
    static Tensor Sender([From("corrupted")] Tensor corrupted) => corrupted;

    [Patch("blocks.1.attn.q_input[pos=end]")]
    static Tensor Queries([From("direct")] Tensor direct) => direct;

    [Metric]
    static Tensor LogitDifference([Logit("right")] Tensor right, [Logit("wrong")] Tensor wrong) => right - wrong;
}

/// <summary>
/// Attribution patching: a first-order estimate of every head's effect from one backward pass (Nanda 2023; Kramár et al. 2024,
/// arXiv:2403.00745).
/// </summary>
[Intervention<TinyGpt2, TinyPrompts>]
public sealed partial class Attribution
{
    [Gradient("blocks.*.attn.z")]
    static Tensor Estimate(Tensor gradient, Tensor z, [From("corrupted")] Tensor corrupted) => (gradient * (corrupted - z)).sum([1L, 3L]);

    [Metric]
    static Tensor LogitDifference([Logit("right")] Tensor right, [Logit("wrong")] Tensor wrong) => right - wrong;
}

/// <summary>
/// Direction ablation (Arditi et al. 2024, arXiv:2406.11717), and steering with the same direction (Turner et al. 2023, arXiv:2308.10248).
/// </summary>
[Intervention<TinyGpt2, TinyPrompts>]
[Zero("blocks.0.mlp_out[pos=end]")]
[Scale("blocks.0.attn_out", 0.5)]
public sealed partial class Direction
{
    [ProjectOut("blocks.*.resid_pre")]
    public required Tensor Ablated { get; init; }

    [Add("blocks.1.resid_post[pos=end]", Strength = 3)]
    public required Tensor Steering { get; init; }

    [Capture("blocks.1.resid_pre")]
    static Tensor Residual(Tensor resid) => resid;

    [Capture("blocks.1.resid_pre", BeforeWrites = true)]
    static Tensor Before(Tensor resid) => resid;

    [Capture("blocks.1.resid_post[pos=end]", BeforeWrites = true)]
    static Tensor LastBefore(Tensor resid) => resid.squeeze(1);

    [Capture("blocks.1.resid_post[pos=end]")]
    static Tensor Last(Tensor resid) => resid.squeeze(1);
}

/// <summary>
/// A learned mask over heads: 1 keeps a head, 0 takes its mean over the corrupted prompts (Cao et al. 2021, arXiv:2104.03514).
/// </summary>
[Intervention<TinyGpt2, TinyPrompts>]
public sealed partial class LearnedMask
{
    [Parameter]
    public required Tensor Mask { get; init; }

    [Patch("blocks.1.attn.z")]
    Tensor Masked(Tensor z, [From("corrupted")] Tensor corrupted) => corrupted + (Mask.view(-1, 1) * (z - corrupted));

    [Metric]
    static Tensor Divergence([Logits] Tensor logits, [Logits(In = "clean")] Tensor clean) =>
        (clean.softmax(-1) * (clean.log_softmax(-1) - logits.log_softmax(-1))).sum(-1);
}

/// <summary>Mean ablation, resampling, and an included intervention.</summary>
[Intervention<TinyGpt2, TinyPrompts>]
[Mean("blocks.0.attn.z[head=0]", From = "corrupted")]
[Resample("blocks.1.attn.z[head=1; pos=end]", Seed = 3)]
public sealed partial class Knockouts
{
    [Include]
    public required Steering Inner { get; init; }

    [Metric]
    static Tensor LogProbability([Logits] Tensor logits, [Answer("right")] Tensor right) =>
        logits.log_softmax(-1).gather(1, right.unsqueeze(1)).squeeze(1);

    [Metric]
    static Tensor Norm([ValueOf("blocks.1.resid_post[pos=end]")] Tensor resid) => resid.pow(2).sum([1L, 2L]);
}
