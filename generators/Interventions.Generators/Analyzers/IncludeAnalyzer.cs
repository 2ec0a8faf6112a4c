using Interventions.Generators.Diagnostics;
using Interventions.Generators.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV211: an included type that is no intervention, is one on other names, or includes this one.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class IncludeAnalyzer() : InterventionAnalyzer(Rules.Include, IncludeCheck.Problems);
