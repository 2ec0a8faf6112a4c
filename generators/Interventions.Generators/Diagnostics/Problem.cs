using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Diagnostics;

/// <summary>A broken rule, where it is broken, and what the message is filled with.</summary>
internal sealed record Problem(DiagnosticDescriptor Rule, Location Location, params object[] Arguments)
{
    public Diagnostic ToDiagnostic() => Diagnostic.Create(Rule, Location, Arguments);
}
