using Interventions.Generators.Diagnostics;
using Interventions.Generators.Schema;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV209: runs that wait for each other.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class RunCycleAnalyzer() : InterventionAnalyzer(Rules.RunCycle, RunCheck.Problems);
