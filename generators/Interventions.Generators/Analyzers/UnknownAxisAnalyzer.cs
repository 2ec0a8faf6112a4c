using Interventions.Generators.Diagnostics;
using Interventions.Generators.Schema;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV005: a selector on an axis that the site lacks.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class UnknownAxisAnalyzer() : InterventionAnalyzer(Rules.UnknownAxis, NameCheck.Problems);
