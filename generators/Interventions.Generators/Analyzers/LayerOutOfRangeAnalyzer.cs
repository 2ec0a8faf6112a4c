using Interventions.Generators.Diagnostics;
using Interventions.Generators.Schema;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV003: the model has fewer layers.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class LayerOutOfRangeAnalyzer() : InterventionAnalyzer(Rules.LayerOutOfRange, NameCheck.Problems);
