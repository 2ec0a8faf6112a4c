using Interventions.Generators.Diagnostics;
using Interventions.Generators.Schema;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV231: a sweep without values, or without a use.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class SweepListAnalyzer() : InterventionAnalyzer(Rules.SweepList, SweepCheck.Problems);
