using Interventions.Generators.Diagnostics;
using Interventions.Generators.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV105: a metric has no site of its own.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class MetricHasNoValueAnalyzer() : InterventionAnalyzer(Rules.MetricHasNoValue, SignatureCheck.Problems);
