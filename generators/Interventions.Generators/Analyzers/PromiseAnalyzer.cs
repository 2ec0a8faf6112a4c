using Interventions.Generators.Diagnostics;
using Interventions.Generators.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV116: a promise where it means nothing.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class PromiseAnalyzer() : InterventionAnalyzer(Rules.Promise, PromiseCheck.Problems);
