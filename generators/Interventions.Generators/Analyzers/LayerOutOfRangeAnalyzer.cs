using Interventions.Generators.Diagnostics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV003: the model has fewer layers.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class LayerOutOfRangeAnalyzer() : NameAnalyzer(Rules.LayerOutOfRange);
