using static TorchSharp.torch;

namespace Interventions.Tests.Declarations;

/// <summary>What heads do, run by run.</summary>
[Intervention<TinyGpt2, TinyPrompts>]
public sealed partial class Heads
{
    [Capture("blocks.1.attn.z")]
    static Tensor Z(Tensor z) => z;
}

/// <summary>Mean ablation over other prompts (Wang et al. 2022, arXiv:2211.00593).</summary>
[Intervention<TinyGpt2, TinyPrompts>]
[Mean("blocks.1.attn.z[head=1]", Over = nameof(Reference), From = "corrupted")]
[Mean("blocks.1.attn.z[head=2; pos=end]", Over = nameof(Reference), AcrossTemplates = true)]
public sealed partial class MeanOver
{
    public required TinyPrompts Reference { get; init; }

    [Capture("blocks.1.attn.z")]
    static Tensor Z(Tensor z) => z;
}

/// <summary>A learned mask over heads of both layers.</summary>
[Intervention<TinyGpt2, TinyPrompts>]
public sealed partial class MixedHeads
{
    [Mix("blocks.*.attn.z", "layer", "head"), Parameter, Shape("layer", "head")]
    public required Tensor Mask { get; init; }

    [Metric]
    static Tensor LogitDifference([Logit("right")] Tensor right, [Logit("wrong")] Tensor wrong) => right - wrong;
}

/// <summary>The same, written out.</summary>
[Intervention<TinyGpt2, TinyPrompts>]
public sealed partial class MixedHeadsByHand
{
    [Parameter]
    public required Tensor Mask { get; init; }

    [Patch("blocks.0.attn.z")]
    Tensor First(Tensor z, [From("corrupted")] Tensor corrupted) => corrupted + (Mask[0].view(-1, 1) * (z - corrupted));

    [Patch("blocks.1.attn.z")]
    Tensor Second(Tensor z, [From("corrupted")] Tensor corrupted) => corrupted + (Mask[1].view(-1, 1) * (z - corrupted));

    [Metric]
    static Tensor LogitDifference([Logit("right")] Tensor right, [Logit("wrong")] Tensor wrong) => right - wrong;
}

/// <summary>Path patching from a head and a feed-forward block at once; one head alone is frozen.</summary>
[Intervention<TinyGpt2, TinyPrompts>]
[PathPatch(
    ["blocks.0.attn.z[head={sender}]", "blocks.0.mlp_out[pos=subject]"], "blocks.1.mlp_in[pos=end]", Freeze = ["blocks.1.attn.z[head=0]"])]
public sealed partial class PathFromTwo
{
    [Metric]
    static Tensor LogitDifference([Logit("right")] Tensor right, [Logit("wrong")] Tensor wrong) => right - wrong;
}

/// <summary>The same passes, written out as a derived run.</summary>
[Intervention<TinyGpt2, TinyPrompts>]
[Run("direct"), Freeze("blocks.1.attn.z[head=0]", In = "direct")]
public sealed partial class PathFromTwoByHand
{
    [Patch("blocks.0.attn.z[head={sender}]", In = "direct")]
    static Tensor Head([From("corrupted")] Tensor corrupted) => corrupted;

    [Patch("blocks.0.mlp_out[pos=subject]", In = "direct")]
    static Tensor FeedForward([From("corrupted")] Tensor corrupted) => corrupted;

    [Patch("blocks.1.mlp_in[pos=end]")]
    static Tensor Received([From("direct")] Tensor direct) => direct;

    [Metric]
    static Tensor LogitDifference([Logit("right")] Tensor right, [Logit("wrong")] Tensor wrong) => right - wrong;
}

/// <summary>Path patching with what is frozen by default.</summary>
[Intervention<TinyGpt2, TinyPrompts>]
[PathPatch(["blocks.0.attn.z[head={sender}]", "blocks.0.mlp_out[pos=subject]"], "blocks.1.mlp_in[pos=end]")]
public sealed partial class PathFromTwoFrozen
{
    [Metric]
    static Tensor LogitDifference([Logit("right")] Tensor right, [Logit("wrong")] Tensor wrong) => right - wrong;
}
