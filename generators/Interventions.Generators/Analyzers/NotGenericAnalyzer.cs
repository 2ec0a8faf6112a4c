using Interventions.Generators.Diagnostics;
using Interventions.Generators.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV107: a declared method is not generic.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class NotGenericAnalyzer() : InterventionAnalyzer(Rules.NotGeneric, SignatureCheck.Problems);
