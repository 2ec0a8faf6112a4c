using Interventions.Generators.Diagnostics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV203: one placeholder for two axes.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class PlaceholderAxesAnalyzer() : PlaceholderAnalyzer(Rules.PlaceholderAxes);
