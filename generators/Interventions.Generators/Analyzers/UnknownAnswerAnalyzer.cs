using Interventions.Generators.Diagnostics;
using Interventions.Generators.Schema;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV010: the prompt set has no such answer.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class UnknownAnswerAnalyzer() : InterventionAnalyzer(Rules.UnknownAnswer, NameCheck.Problems);
