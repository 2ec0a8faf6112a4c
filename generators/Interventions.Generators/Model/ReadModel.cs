namespace Interventions.Generators.Model;

/// <summary>What a parameter reads.</summary>
/// <param name="Kind">The kind of value.</param>
/// <param name="Name">The run, the answer, the placeholder, or the site of <see cref="ReadKind.ValueOf"/>; empty where there is none.</param>
/// <param name="Place">The run's site (<see langword="null"/>: the method's own), or the position of logits.</param>
/// <param name="Run">The run whose logits are read; <see langword="null"/> is the measured one.</param>
internal sealed record ReadModel(ReadKind Kind, string Name, string? Place = null, string? Run = null);

/// <summary>What a parameter reads.</summary>
internal enum ReadKind
{
    /// <summary>The selected value itself.</summary>
    Value,

    /// <summary>The metric's gradient with respect to the selected value.</summary>
    Gradient,

    /// <summary>The value in another run.</summary>
    From,

    /// <summary>The value of some site in the same run.</summary>
    ValueOf,

    /// <summary>The logit of an answer.</summary>
    Logit,

    /// <summary>All logits at a position.</summary>
    Logits,

    /// <summary>The number at which a sweep stands.</summary>
    Swept,

    /// <summary>The token ids of an answer.</summary>
    Answer,
}
