using Interventions.Generators.Diagnostics;
using Interventions.Generators.Schema;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV223: a capture before writes that there are none of.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class NothingBeforeAnalyzer() : InterventionAnalyzer(Rules.NothingBefore, ReaderCheck.Problems);
