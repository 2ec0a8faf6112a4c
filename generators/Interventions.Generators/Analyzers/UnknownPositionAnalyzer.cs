using Interventions.Generators.Diagnostics;
using Interventions.Generators.Schema;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV008: the prompt set has no such position.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class UnknownPositionAnalyzer() : InterventionAnalyzer(Rules.UnknownPosition, NameCheck.Problems);
