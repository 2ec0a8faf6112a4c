using Interventions.Runtime;

namespace Interventions.Generators.Specs;

/// <summary>A declared method.</summary>
/// <param name="Kind">The use of the value that it returns.</param>
/// <param name="Name">Its name.</param>
/// <param name="Site">The site path; empty for a metric.</param>
/// <param name="IsStatic">Whether it needs no instance.</param>
/// <param name="Reads">The values that its parameters read.</param>
internal sealed record MethodSpec(NodeKind Kind, string Name, string Site, bool IsStatic, EquatableArray<ReadSpec> Reads)
{
    /// <summary>The derived run that a patch writes; <see langword="null"/> is the changed one.</summary>
    public string? Run { get; init; }

    /// <summary>The metric of a gradient; <see langword="null"/> is the only one.</summary>
    public string? Metric { get; init; }

    /// <summary>Whether a capture keeps the value as it was before the writes.</summary>
    public bool BeforeWrites { get; init; }

    /// <summary>The declared shape of the value that a patch returns; <see langword="null"/> where none is declared.</summary>
    public EquatableArray<string>? Shape { get; init; }

    /// <summary>Whether a patch promises to treat each position alone.</summary>
    public bool IsPointwise { get; init; }

    /// <summary>Whether it mixes prompts.</summary>
    public bool IsAcrossBatch { get; init; }

    /// <summary>Whether a prompt's length may decide how many values are kept. The result then has a mask of the real ones.</summary>
    public bool IsRagged { get; init; }
}

/// <summary>The use of the value that a method returns.</summary>
internal enum NodeKind
{
    /// <summary>It is written.</summary>
    Patch,

    /// <summary>It is kept.</summary>
    Capture,

    /// <summary>It is kept, and made of a metric's gradient.</summary>
    Gradient,

    /// <summary>It is kept, one number a prompt.</summary>
    Metric,
}

/// <summary>The value that a parameter reads.</summary>
/// <param name="Kind">The kind of value.</param>
/// <param name="Name">The run, the answer, the placeholder, or the site of <see cref="ReadKind.ValueOf"/>; else empty.</param>
/// <param name="Place">The run's site (<see langword="null"/>: the method's own), or the position of logits.</param>
/// <param name="Run">The run whose logits are read; <see langword="null"/> is the measured one.</param>
internal sealed record ReadSpec(ReadKind Kind, string Name, string? Place = null, string? Run = null);

/// <summary>The kind of value that a parameter reads.</summary>
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
