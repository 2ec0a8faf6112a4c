using Interventions.Generators.Diagnostics;
using Interventions.Generators.Schema;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV204: a placeholder whose uses have no index in common.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class EmptyPlaceholderAnalyzer() : InterventionAnalyzer(Rules.EmptyPlaceholder, PlaceholderCheck.Problems);
