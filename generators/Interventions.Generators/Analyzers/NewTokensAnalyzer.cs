using Interventions.Generators.Diagnostics;
using Interventions.Generators.Schema;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV240: new tokens that cannot be what is selected, or that lack what is read.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class NewTokensAnalyzer() : InterventionAnalyzer(Rules.NewTokens, NewTokenCheck.Problems);
