using Interventions.Generators.Diagnostics;
using Interventions.Generators.Schema;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV004: TransformerLens's spelling of a site.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class TransformerLensSpellingAnalyzer() : InterventionAnalyzer(Rules.TransformerLensSpelling, NameCheck.Problems);
