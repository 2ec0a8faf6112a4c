using Interventions.Generators.Diagnostics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV104: only metrics read logits of answers.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class LogitInMetricAnalyzer() : SignatureAnalyzer(Rules.LogitInMetric);
