using Interventions;
using Interventions.Models;
using static TorchSharp.torch;

namespace Consumer;

/// <summary>On any GPT-2.</summary>
/// <typeparam name="TModel">Which one.</typeparam>
[Intervention(Prompts = typeof(IoiPrompts))]
[Zero("blocks.{layer}.attn.z[head={head}]")]
public sealed partial class HeadKnockout<TModel>
    where TModel : Gpt2Model
{
    [Capture("blocks.*.mlp_out[pos=end]")]
    private static Tensor Mlps(Tensor x) => x;

    [Metric]
    private static Tensor LogitDifference([Logit("IO")] Tensor io, [Logit("S")] Tensor s) => io - s;
}

/// <summary>Knocks heads out of a larger model, at once.</summary>
[Intervention<Gpt2Medium, IoiPrompts>]
public sealed partial class Knockouts
{
    /// <summary>Goes first.</summary>
    [Include]
    public required HeadKnockout<Gpt2Medium> First { get; init; }

    [Metric]
    private static Tensor LogitDifference([Logit("IO")] Tensor io, [Logit("S")] Tensor s) => io - s;

    /// <summary>Uses what is generated.</summary>
    internal static Tensor Use(Gpt2Small model, IoiPrompts prompts, Result other)
    {
        using HeadKnockout<Gpt2Small>.Result run = new HeadKnockout<Gpt2Small>().Run(model, prompts);
        return run.LogitDifference[layer: 9, head: 6] + run.Clean.LogitDifference + other.LogitDifference[layer: 1, head: 2];
    }
}
