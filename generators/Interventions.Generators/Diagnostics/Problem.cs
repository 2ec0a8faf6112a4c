using System.Collections.Immutable;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Diagnostics;

/// <summary>A broken rule, where it is broken, and what the message is filled with.</summary>
internal sealed record Problem(DiagnosticDescriptor Rule, Location Location, params object[] Arguments)
{
    /// <summary>The property of a diagnostic that holds the whole text, repaired. The code fixes read it.</summary>
    public const string SuggestionProperty = "Suggestion";

    /// <summary>The whole text, repaired.</summary>
    public string? Suggestion { get; init; }

    public Diagnostic ToDiagnostic() => Diagnostic.Create(
        Rule, Location, Suggestion is null ? null : ImmutableDictionary<string, string?>.Empty.Add(SuggestionProperty, Suggestion), Arguments);
}
