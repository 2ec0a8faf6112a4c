using Interventions.Generators.Diagnostics;
using Interventions.Generators.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV103: one of them is the selected value.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class OneValueAnalyzer() : InterventionAnalyzer(Rules.OneValue, SignatureCheck.Problems);
