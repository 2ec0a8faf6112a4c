using Interventions.Generators.Diagnostics;
using Interventions.Generators.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV102: its parameters are tensors.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class TakesTensorsAnalyzer() : InterventionAnalyzer(Rules.TakesTensors, SignatureCheck.Problems);
