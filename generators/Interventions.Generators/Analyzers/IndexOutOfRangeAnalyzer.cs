using Interventions.Generators.Diagnostics;
using Interventions.Generators.Schema;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV006: a head, neuron or other index that does not exist.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class IndexOutOfRangeAnalyzer() : InterventionAnalyzer(Rules.IndexOutOfRange, NameCheck.Problems);
