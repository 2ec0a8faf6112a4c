using Interventions.Generators.Diagnostics;
using Interventions.Generators.Schema;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV213: a write that reads a value of its own run which is not there yet.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class LaterValueAnalyzer() : InterventionAnalyzer(Rules.LaterValue, CausalityCheck.Problems);
