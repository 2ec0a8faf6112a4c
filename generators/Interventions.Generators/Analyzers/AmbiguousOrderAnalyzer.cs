using Interventions.Generators.Diagnostics;
using Interventions.Generators.Schema;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV222: two writes to one place of which the text does not say which comes first.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class AmbiguousOrderAnalyzer() : InterventionAnalyzer(Rules.AmbiguousOrder, WriteOrderCheck.Problems);
