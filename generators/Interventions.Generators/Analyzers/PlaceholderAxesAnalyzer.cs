using Interventions.Generators.Diagnostics;
using Interventions.Generators.Schema;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV203: one placeholder for two axes.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class PlaceholderAxesAnalyzer() : InterventionAnalyzer(Rules.PlaceholderAxes, PlaceholderCheck.Problems);
