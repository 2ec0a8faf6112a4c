using System.Collections.Immutable;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Diagnostics;

/// <summary>A broken rule, where it is broken, and what the message is filled with.</summary>
internal sealed record Problem(DiagnosticDescriptor Rule, Location Location, params object[] Arguments)
{
    /// <summary>The property of a diagnostic that holds the whole text, repaired. The code fixes read it.</summary>
    public const string SuggestionProperty = "Suggestion";

    /// <summary>The property of a diagnostic that holds the literal to write instead of an expression. The code fixes read it.</summary>
    public const string LiteralProperty = "Literal";

    /// <summary>The whole text, repaired.</summary>
    public string? Suggestion { get; init; }

    /// <summary>The literal to write instead of the expression.</summary>
    public string? Literal { get; init; }

    public Diagnostic ToDiagnostic()
    {
        ImmutableDictionary<string, string?> properties = ImmutableDictionary<string, string?>.Empty;
        if (Suggestion is not null)
            properties = properties.Add(SuggestionProperty, Suggestion);
        if (Literal is not null)
            properties = properties.Add(LiteralProperty, Literal);
        return Diagnostic.Create(Rule, Location, properties, Arguments);
    }
}
