using static TorchSharp.torch;

namespace Interventions.Testing.ToyModels;

/// <summary>What several studies share; those of other assemblies do not see its private members.</summary>
[Intervention<TinyGpt2, TinyPrompts>, Sweep("alpha", 0.5, 2)]
public abstract partial class TinyTask
{
    /// <summary>Added behind the first block.</summary>
    [Add("blocks.0.resid_post[pos=end]", "{alpha}"), Parameter]
    public required Tensor Direction { get; init; }

    [Metric]
    private static Tensor LogitDifference([Logit("right")] Tensor right, [Logit("wrong")] Tensor wrong) => right - wrong;

    [Capture("blocks.*.attn.pattern[query=end]")]
    private static Tensor Attention(Tensor pattern) => pattern;

    [Gradient("blocks.1.resid_pre[pos=end]")]
    private static Tensor Attribution(Tensor gradient, Tensor x) => gradient * x;

    [Patch("blocks.{layer}.mlp_out[pos=subject]")]
    private static Tensor FromOther([From("other")] Tensor other) => other;
}
