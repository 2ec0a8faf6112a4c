using Interventions.Generators.Diagnostics;
using Interventions.Generators.Schema;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV232: a number where a run stands, or the other way round.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class SweepKindAnalyzer() : InterventionAnalyzer(Rules.SweepKind, SweepCheck.Problems);
