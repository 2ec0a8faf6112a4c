using Interventions.Generators.Diagnostics;
using Interventions.Generators.Schema;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV230: a splice where none can stand.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class SpliceAnalyzer() : InterventionAnalyzer(Rules.Splice, SpliceCheck.Problems);
