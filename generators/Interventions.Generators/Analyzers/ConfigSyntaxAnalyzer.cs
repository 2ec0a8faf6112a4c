using Interventions.Generators.Diagnostics;
using Interventions.Generators.Model;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV015: a configuration is not JSON.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class ConfigSyntaxAnalyzer() : ConfigAnalyzer(Rules.ConfigSyntax)
{
    private protected override bool Reports(ConfigProblem problem) => problem.IsSyntax;
}
