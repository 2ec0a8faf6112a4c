using Interventions.Generators.Diagnostics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV105: a metric has no site of its own.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class MetricHasNoValueAnalyzer() : SignatureAnalyzer(Rules.MetricHasNoValue);
