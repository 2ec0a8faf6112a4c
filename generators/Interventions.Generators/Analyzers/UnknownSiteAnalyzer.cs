using Interventions.Generators.Diagnostics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV001: the model has no such site.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class UnknownSiteAnalyzer() : NameAnalyzer(Rules.UnknownSite);
