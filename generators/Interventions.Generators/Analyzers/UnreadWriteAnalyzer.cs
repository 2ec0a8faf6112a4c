using Interventions.Generators.Diagnostics;
using Interventions.Generators.Schema;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV221: a write from which no capture, gradient or metric is reached.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class UnreadWriteAnalyzer() : InterventionAnalyzer(Rules.UnreadWrite, ReaderCheck.Problems);
