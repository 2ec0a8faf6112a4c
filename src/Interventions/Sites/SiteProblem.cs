using System;

namespace Interventions.Sites;

/// <summary>What can be wrong with a name. Each kind is one rule of the analyzers.</summary>
internal enum SiteProblemKind
{
    /// <summary>The path breaks the grammar.</summary>
    Syntax,

    /// <summary>The model has no such site.</summary>
    UnknownSite,

    /// <summary>A segment, most often the layer, is missing.</summary>
    MissingSegment,

    /// <summary>The model has fewer layers.</summary>
    LayerOutOfRange,

    /// <summary>Another library's name of a value.</summary>
    ForeignSpelling,

    /// <summary>A selector on an axis that the site lacks.</summary>
    UnknownAxis,

    /// <summary>The axis is shorter.</summary>
    IndexOutOfRange,

    /// <summary>The prompt set has no such position.</summary>
    UnknownPosition,

    /// <summary>The prompt set has no such run.</summary>
    UnknownRun,

    /// <summary>The prompt set has no such answer.</summary>
    UnknownAnswer,

    /// <summary>A splice that cannot stand there.</summary>
    Splice,
}

/// <summary>What is wrong with a name, and where: the analyzers and the refusal at run time say the same.</summary>
/// <param name="Kind">The rule.</param>
/// <param name="Message">One sentence.</param>
/// <param name="Start">The first wrong character of the text.</param>
/// <param name="Length">How many characters are wrong.</param>
/// <param name="Suggestion">The whole text, repaired, when one repair is likely.</param>
internal sealed record SiteProblem(SiteProblemKind Kind, string Message, int Start, int Length, string? Suggestion = null)
{
    /// <summary>What is different after the repair, which must not be silent; <see langword="null"/> when nothing is.</summary>
    public string? Remark { get; init; }

    /// <summary>A problem of some part of a text.</summary>
    public static SiteProblem At(SiteProblemKind kind, PathSpan span, string message, string? suggestion = null) =>
        new(kind, message, span.Start, span.Length, suggestion);
}
