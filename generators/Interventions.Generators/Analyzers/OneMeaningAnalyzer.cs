using Interventions.Generators.Diagnostics;
using Interventions.Generators.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV108: one attribute says what a method is, one what a parameter reads.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class OneMeaningAnalyzer() : InterventionAnalyzer(Rules.OneMeaning, SignatureCheck.Problems);
