using Interventions.Generators.Diagnostics;
using Interventions.Generators.Model;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV016: a configuration describes no model that is supported.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class InvalidConfigAnalyzer() : ConfigAnalyzer(Rules.InvalidConfig)
{
    private protected override bool Reports(ConfigProblem problem) => !problem.IsSyntax;
}
