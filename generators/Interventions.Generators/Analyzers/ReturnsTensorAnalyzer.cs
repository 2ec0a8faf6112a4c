using Interventions.Generators.Diagnostics;
using Interventions.Generators.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV101: a declared method returns a tensor.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class ReturnsTensorAnalyzer() : InterventionAnalyzer(Rules.ReturnsTensor, SignatureCheck.Problems);
