using Interventions.Generators.Diagnostics;
using Interventions.Generators.Schema;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV234: a mean over prompts that are not there, or that lack the run or the position.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class ReferenceAnalyzer() : InterventionAnalyzer(Rules.Reference, ReferenceCheck.Problems);
