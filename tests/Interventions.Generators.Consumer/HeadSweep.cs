using Interventions;
using Interventions.Models;
using static TorchSharp.torch;

namespace Consumer;

/// <summary>Prompts with named positions.</summary>
[PromptSchema(Runs = ["clean", "corrupted"], Positions = ["IO", "S1", "S2", "end"], Answers = ["IO", "S"])]
public sealed partial class IoiPrompts : PromptSet;

/// <summary>Which heads matter?</summary>
[Intervention<Gpt2Small, IoiPrompts>]
public sealed partial class HeadSweep
{
    [Patch("blocks.{layer}.attn.z[head={head}; pos=end]")]
    static Tensor FromCorrupted(Tensor z, [From("corrupted")] Tensor corrupted) => corrupted;

    [Capture("blocks.*.attn.pattern[query=end]")]
    static Tensor Attention(Tensor pattern) => pattern;

    [Metric]
    static Tensor LogitDifference([Logit("IO", At = "end")] Tensor io, [Logit("S", At = "end")] Tensor s) => io - s;
}

/// <summary>A steering vector that is the declaration's own.</summary>
[Intervention<Gpt2Small>]
public sealed partial class Steer
{
    /// <summary>The direction.</summary>
    public required Tensor Direction { get; init; }

    /// <summary>How far.</summary>
    public double Scale { get; init; } = 1;

    [Patch("blocks.6.resid_pre[pos=end]")]
    Tensor Along(Tensor x) => x + (Direction * Scale);

    [Metric]
    private static Tensor Correct([Logit("correct")] Tensor x) => x;

    [Capture("blocks.*.resid_post")]
    private static Tensor Norm(Tensor x)
    {
        Tensor squared = x * x;
        return (squared.sum(-1) * 2).sqrt();
    }
}
