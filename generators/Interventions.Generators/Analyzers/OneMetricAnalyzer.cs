using Interventions.Generators.Diagnostics;
using Interventions.Generators.Schema;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV207: a gradient or a parameter without a metric, or with several.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class OneMetricAnalyzer() : InterventionAnalyzer(Rules.OneMetric, MetricCheck.Problems);
