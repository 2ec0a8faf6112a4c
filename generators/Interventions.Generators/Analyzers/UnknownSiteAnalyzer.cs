using Interventions.Generators.Diagnostics;
using Interventions.Generators.Schema;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV001: the model has no such site.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class UnknownSiteAnalyzer() : InterventionAnalyzer(Rules.UnknownSite, NameCheck.Problems);
