namespace Interventions.Features;

/// <summary>How steering is measured.</summary>
public sealed record SteeringOptions
{
    /// <summary>
    /// How rollouts are made: tokens, temperature, continuations, seed. A rollout is one continuation of one prompt. Default: 20 tokens,
    /// the likeliest ones.
    /// </summary>
    public GenerationOptions Generation { get; init; } = new();

    /// <summary>How the loss on texts is computed: batch size, memory budget, progress.</summary>
    public RunOptions Run { get; init; } = new();

    /// <summary>
    /// The positions of texts that are steered, where they are others than those of prompts: <c>end,new</c> of a prompt may be <c>8..</c>
    /// of a text. Default: those of prompts.
    /// </summary>
    public string? TextAt { get; init; }

    /// <summary>
    /// The first token of a text that is scored, to compare with steering of more positions. Default: the first possible one. Behind a last
    /// steered position p that is p + 2; where texts are steered to their end, the first token that a steered position predicts.
    /// </summary>
    public int? FirstTarget { get; init; }

    /// <summary>
    /// The file that a long sweep is written to as it goes on, layer by layer or strength by strength: where it was stopped, the same call
    /// goes on. It is never half written, and another model, other vectors, strengths, prompts, texts or options than it was begun with are
    /// refused; what a success is may change. Default: none.
    /// </summary>
    public string? Path { get; init; }

    /// <summary>
    /// The strength with which points are circled in pictures and marked in tables: that of the method's source. Default: 1.
    /// </summary>
    public double ReferenceStrength { get; init; } = 1;
}
