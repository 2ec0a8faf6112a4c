using Interventions.Generators.Diagnostics;
using Interventions.Generators.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV111: a property that is written or trained is a tensor.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class TensorPropertyAnalyzer() : InterventionAnalyzer(Rules.TensorProperty, SignatureCheck.Problems);
