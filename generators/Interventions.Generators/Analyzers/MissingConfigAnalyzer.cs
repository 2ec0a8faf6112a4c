using Interventions.Generators.Diagnostics;
using Interventions.Generators.Model;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV014: no file is the configuration, or several are.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class MissingConfigAnalyzer() : HookedModelAnalyzer(Rules.MissingConfig)
{
    private protected override string? Message(INamedTypeSymbol type, string name, IReadOnlyList<ConfigModel> named) => named.Count switch
    {
        0 => $"no file '{name}' among the project's AdditionalFiles: <AdditionalFiles Include=\"{name}\" /> is missing",
        1 => null,
        _ => $"'{name}' is the end of several files' paths ({string.Join(", ", named.Select(config => config.Path).OrderBy(path => path, System.StringComparer.Ordinal))}); write more of the path",
    };
}
