using Interventions.Sites;

namespace Interventions.Generators.Model;

/// <summary>What an <c>[Intervention]</c> class declares, without anything that only a schema could tell.</summary>
/// <param name="Type">The class.</param>
/// <param name="ModelType">The model type, fully qualified.</param>
/// <param name="PromptType">The prompt set's type, fully qualified.</param>
/// <param name="PromptsHaveSchema">Whether the prompt set has the generated base of results.</param>
/// <param name="Access">The accessibility of what names model or prompts: no wider than theirs.</param>
/// <param name="IsValid">Whether no analyzer finds fault with the signatures.</param>
/// <param name="Methods">The declared methods, in textual order.</param>
/// <param name="Placeholders">The placeholders of the writes, in order of first appearance.</param>
internal sealed record InterventionModel(
    TypeModel Type, string ModelType, string PromptType, bool PromptsHaveSchema, string Access, bool IsValid,
    EquatableArray<MethodModel> Methods, EquatableArray<string> Placeholders);

/// <summary>A declared method.</summary>
/// <param name="Kind">What becomes of what it returns.</param>
/// <param name="Name">Its name.</param>
/// <param name="Site">The site path; empty for a metric.</param>
/// <param name="IsStatic">Whether it needs no instance.</param>
/// <param name="Reads">What its parameters read.</param>
internal sealed record MethodModel(NodeKind Kind, string Name, string Site, bool IsStatic, EquatableArray<ReadModel> Reads);

/// <summary>What becomes of what a method returns.</summary>
internal enum NodeKind
{
    /// <summary>It is written.</summary>
    Patch,

    /// <summary>It is kept.</summary>
    Capture,

    /// <summary>It is kept: a number a prompt.</summary>
    Metric,
}

/// <summary>What a parameter reads.</summary>
/// <param name="Kind">The kind of value.</param>
/// <param name="Name">The run, or the answer.</param>
/// <param name="Place">The run's site (<see langword="null"/>: the method's own), or the answer's position.</param>
internal sealed record ReadModel(ReadKind Kind, string Name, string? Place);

/// <summary>What a parameter reads.</summary>
internal enum ReadKind
{
    /// <summary>The selected value itself.</summary>
    Value,

    /// <summary>The value in another run.</summary>
    From,

    /// <summary>The logit of an answer.</summary>
    Logit,
}
