using Interventions.Generators.Diagnostics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV204: a placeholder whose uses have no index in common.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class EmptyPlaceholderAnalyzer() : PlaceholderAnalyzer(Rules.EmptyPlaceholder);
