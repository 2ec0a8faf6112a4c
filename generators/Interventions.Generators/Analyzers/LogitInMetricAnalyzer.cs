using Interventions.Generators.Diagnostics;
using Interventions.Generators.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV104: only metrics read logits of answers.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class LogitInMetricAnalyzer() : InterventionAnalyzer(Rules.LogitInMetric, SignatureCheck.Problems);
