using Interventions.Runtime;

namespace Interventions.Generators.Model;

/// <summary>A declared method.</summary>
/// <param name="Kind">What becomes of what it returns.</param>
/// <param name="Name">Its name.</param>
/// <param name="Site">The site path; empty for a metric.</param>
/// <param name="IsStatic">Whether it needs no instance.</param>
/// <param name="Reads">What its parameters read.</param>
/// <param name="Run">The derived run that a patch writes; <see langword="null"/> is the changed one.</param>
/// <param name="Metric">The metric of a gradient; <see langword="null"/> is the only one.</param>
/// <param name="BeforeWrites">Whether a capture keeps the value as it was before the writes.</param>
/// <param name="Shape">The declared shape of what a patch returns; <see langword="null"/> where none is declared.</param>
/// <param name="IsPointwise">Whether a patch promises to treat each position alone.</param>
/// <param name="IsAcrossBatch">Whether it mixes prompts.</param>
internal sealed record MethodModel(
    NodeKind Kind, string Name, string Site, bool IsStatic, EquatableArray<ReadModel> Reads, string? Run, string? Metric, bool BeforeWrites,
    EquatableArray<string>? Shape, bool IsPointwise, bool IsAcrossBatch);

/// <summary>What becomes of what a method returns.</summary>
internal enum NodeKind
{
    /// <summary>It is written.</summary>
    Patch,

    /// <summary>It is kept.</summary>
    Capture,

    /// <summary>It is kept: made of a metric's gradient.</summary>
    Gradient,

    /// <summary>It is kept: a number a prompt.</summary>
    Metric,
}
