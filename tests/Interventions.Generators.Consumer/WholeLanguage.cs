using Interventions;
using Interventions.Models;
using static TorchSharp.torch;

namespace Consumer;

/// <summary>Every attribute once, that its idiom may cause no warning.</summary>
[Intervention<Gpt2Small, IoiPrompts>]
[Changes("corrupted"), Run("direct")]
[Sweep("alpha", 0.5, 1, 2), Sweep("donor", "corrupted", "clean")]
[Freeze("blocks.3.mlp_out[pos={place=S1,end}]", From = "{donor}")]
[
    Zero("blocks.0.attn.z[head=1]"), Scale("embed", 0.5), Scale("blocks.2.mlp_out", "{alpha}"), Mean("blocks.1.mlp_out", From = "clean"),
    Resample("blocks.2.mlp_out", Seed = 7)]
[Freeze("blocks.*.attn.z", In = "direct")]
[Mean("blocks.4.mlp_out", Over = nameof(ThreeNames), AcrossTemplates = true)]
[PathPatch(
    ["blocks.0.attn.z[head=1]", "blocks.1.mlp_out"], "blocks.9.attn.q_input", From = "clean",
    Freeze = ["blocks.*.attn.z", "blocks.2.mlp_out"])]
[PathPatch("blocks.{layer}.attn.z[head={head}; pos=end]", "blocks.11.attn.q_input[head=6,9]", "logits", From = "clean", FreezeMlps = true)]
public sealed partial class WholeLanguage
{
    /// <summary>Goes first.</summary>
    [Include(Order = -1)]
    public required HeadSweep Sweep { get; init; }

    /// <summary>A direction that is trained.</summary>
    [Add("blocks.6.resid_pre[pos=end]", Strength = 4), ProjectOut("blocks.7.resid_pre", In = "direct"), Parameter(Of = nameof(Difference))]
    public required Tensor Direction { get; init; }

    /// <summary>The prompts of a mean.</summary>
    public required IoiPrompts ThreeNames { get; init; }

    /// <summary>A mask that is trained.</summary>
    [Mix("blocks.[1..2].attn.z", "layer", "head"), Shape("layer", "head"), Parameter(Of = nameof(Difference))]
    public required Tensor Mask { get; init; }

    /// <summary>Sparse autoencoders of three layers.</summary>
    [Splice("blocks.[3..5].resid_post", Features = 64)]
    public required IReadOnlyList<ISplice> Saes { get; init; }

    /// <summary>Replaces a feed-forward block.</summary>
    [Splice("blocks.8.mlp_out", Reads = "blocks.8.mlp_in", ErrorTerm = false, DetachError = true)]
    public required ISplice Transcoder { get; init; }

    /// <summary>Added to two heads.</summary>
    [Add("blocks.9.attn.z[head=6,9]"), Shape("head", "d_head")]
    public required Tensor PerHead { get; init; }

    [Patch("blocks.10.attn.z[head=7]")]
    [return: Shape("1", "d_head")]
    private static Tensor Middle([Shape("batch", "pos", "head", "d_head")] Tensor z) => z.mean([0L, 1L]);

    [Patch("blocks.*.resid_post.saes.features[feature=7,9; pos=end]")]
    private static Tensor Silence(Tensor features) => zeros_like(features);

    [Patch("blocks.10.attn.z[head=8]"), Pointwise]
    private static Tensor Towards(Tensor z, [From("clean")] Tensor clean) => (z + clean) / 2;

    [Patch("blocks.10.attn.z[head=9; pos=end]"), AcrossBatch]
    private static Tensor Centred(Tensor z) => z - z.mean([0L], keepdim: true);

    [Capture("blocks.8.mlp_out.transcoder.features[pos=end]")]
    private static Tensor Active(Tensor features, [From("clean")] Tensor clean) => features - clean;

    [Patch("logits[pos=end]")]
    private static Tensor FromDirect([From("direct")] Tensor direct, [Swept("alpha")] double alpha) => direct * alpha;

    [Capture("blocks.6.resid_pre", BeforeWrites = true)]
    private static Tensor Before(Tensor x) => x;

    [Gradient("blocks.*.attn.z", Of = nameof(Difference))]
    private static Tensor Attribution(Tensor gradient, Tensor z, [From("clean")] Tensor clean) => (gradient * (clean - z)).sum(-1);

    [Metric]
    private static Tensor Difference([Logit("IO")] Tensor io, [Logit("S", In = "clean")] Tensor s) => io - s;

    [Metric]
    private static Tensor Loss([Logits] Tensor logits, [Answer("IO")] Tensor answer, [ValueOf("blocks.11.resid_post[pos=end]")] Tensor x) =>
        x.sum() - logits.gather(1, answer.unsqueeze(1)).squeeze(1);

    /// <summary>Uses what generating gives.</summary>
    internal static Tensor Use(Generation run) =>
        run[layer: 9, head: 6, place: "S1", donor: "clean", alpha: 2].Difference.Prompt + run.Base.Before.Steps;

    /// <summary>Uses what is generated.</summary>
    internal static Tensor Use(Result run) => run.Attribution[
        layer: 9, head: 6, place: "S1", donor: "clean",
        alpha: 2] + run.DirectionGradient + run.MaskGradient + run.Clean.Before * run.Effects.Length;
}
