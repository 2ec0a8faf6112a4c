using Interventions.Generators.Diagnostics;
using Interventions.Generators.Schema;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV202: a placeholder that no write sweeps.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class UnsweptPlaceholderAnalyzer() : InterventionAnalyzer(Rules.UnsweptPlaceholder, PlaceholderCheck.Problems);
