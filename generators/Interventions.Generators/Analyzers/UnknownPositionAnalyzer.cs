using Interventions.Generators.Diagnostics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV008: the prompt set has no such position.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class UnknownPositionAnalyzer() : NameAnalyzer(Rules.UnknownPosition);
