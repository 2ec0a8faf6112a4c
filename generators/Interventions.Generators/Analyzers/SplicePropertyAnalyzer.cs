using Interventions.Generators.Diagnostics;
using Interventions.Generators.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV115: a spliced property is an encoder–decoder.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class SplicePropertyAnalyzer() : InterventionAnalyzer(Rules.SpliceProperty, SignatureCheck.Problems);
