using Interventions.Generators.Diagnostics;
using Interventions.Generators.Schema;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV002: a segment of the path, most often the layer, is missing.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class MissingSegmentAnalyzer() : InterventionAnalyzer(Rules.MissingSegment, NameCheck.Problems);
