using Interventions.Generators.Diagnostics;
using Interventions.Generators.Schema;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV208: a gradient of a metric that is not declared.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class UnknownMetricAnalyzer() : InterventionAnalyzer(Rules.UnknownMetric, MetricCheck.Problems);
