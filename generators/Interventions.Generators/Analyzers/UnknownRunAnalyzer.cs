using Interventions.Generators.Diagnostics;
using Interventions.Generators.Schema;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV009: the prompt set has no such run.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class UnknownRunAnalyzer() : InterventionAnalyzer(Rules.UnknownRun, NameCheck.Problems);
