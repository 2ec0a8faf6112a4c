using Interventions.Generators.Diagnostics;
using Interventions.Generators.Schema;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV007: a path or a position that breaks the grammar.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class PathSyntaxAnalyzer() : InterventionAnalyzer(Rules.PathSyntax, NameCheck.Problems);
