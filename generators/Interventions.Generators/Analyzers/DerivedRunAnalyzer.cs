using Interventions.Generators.Diagnostics;
using Interventions.Generators.Schema;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV210: a derived run that is not new, or that nothing writes or reads.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class DerivedRunAnalyzer() : InterventionAnalyzer(Rules.DerivedRun, RunCheck.Problems);
